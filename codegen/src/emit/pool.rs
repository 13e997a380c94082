//! Calls of `pool.rs`: average pooling and global pooling.

use super::call::{Arguments, Call};

/// Returns the call for an average pooling with squares of side `size`.
pub(super) fn average_pool(arguments: &Arguments<'_>, size: usize, in_place: bool) -> Call {
    let Arguments { from, norm, activation, .. } = arguments;
    let from = if in_place { "None".to_string() } else { format!("Some({from})") };
    let shape = arguments.sizes();
    let text = format!(
        "average_pool::<{activation}>(kernels, {shape}, {size}, {norm}, {from}, to, scratch);"
    );
    arguments.call("pool", &["average_pool"], text)
}

/// Returns the call for a global pooling; `reduction` is `Average` or `Max`.
pub(super) fn global_pool(arguments: &Arguments<'_>, reduction: &'static str) -> Call {
    let Arguments { input, from, norm, activation, .. } = arguments;
    let plane = input.plane();
    let text = format!(
        "global_pool::<{activation}, {reduction}>(kernels, {plane}, {norm}, {from}, to, scratch);"
    );
    arguments.call("pool", &[reduction, "global_pool"], text)
}
