//! Calls of `linear.rs`: fully connected layers.

use super::call::{Arguments, Call, weights};
use std::ops::Range;

/// Returns the call for a fully connected layer with the constants in these ranges.
pub(super) fn linear(
    arguments: &Arguments<'_>,
    of_weights: &Range<usize>,
    of_bias: &Range<usize>,
) -> Call {
    let (of_weights, of_bias, from) = (weights(of_weights), weights(of_bias), arguments.from);
    let text = format!("linear(kernels, {of_weights}, {of_bias}, {from}, to);");
    arguments.plain_call("linear", "linear", text)
}
