//! Calls of `add.rs`: additions and shortcuts.

use super::activation::type_name;
use super::call::{Arguments, Call};
use common::network::activation::PiecewiseActivation;

/// Returns the call for an addition, whose sum has an activation or none.
pub(super) fn add(arguments: &Arguments<'_>, activation: Option<PiecewiseActivation>) -> Call {
    let Arguments { input, from, norm, .. } = arguments;
    let (activation, plane) = (type_name(activation), input.plane());
    let text = format!("add::<{activation}>(kernels, {plane}, {norm}, {from}, to);");
    arguments.call("add", &["add"], text)
}

/// Returns the call for a shortcut.
pub(super) fn shortcut(arguments: &Arguments<'_>, stride: usize) -> Call {
    let (shape, from) = (arguments.sizes(), arguments.from);
    let text = format!("shortcut({shape}, {stride}, {from}, to);");
    arguments.plain_call("add", "shortcut", text)
}
