//! Calls of `conv.rs`: convolutions.

use super::call::{Arguments, Call, weights};
use runtime::conv::Convolution;
use std::ops::Range;

/// Returns the call for a convolution with the packed weights in `range`.
pub(super) fn convolution(
    arguments: &Arguments<'_>,
    layer: &Convolution,
    tile: usize,
    range: &Range<usize>,
) -> Call {
    let Arguments { from, norm, activation, .. } = arguments;
    let weights = weights(range);
    let text = format!(
        "convolution::<{activation}, {tile}>(kernels, &layer, {norm}, {weights}, {from}, to, scratch);"
    );
    let mut call = arguments.call("conv", &["Convolution", "convolution"], text);
    call.preparation += &format!("        let layer = {layer:?};\n");
    call
}
