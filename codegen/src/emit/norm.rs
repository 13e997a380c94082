//! Calls of `norm.rs`: normalisation and activation alone.

use super::call::{Arguments, Call};

/// Returns the call for a normalisation and an activation.
pub(super) fn norm_activation(arguments: &Arguments<'_>) -> Call {
    let Arguments { input, from, norm, activation, .. } = arguments;
    let plane = input.plane();
    let text = format!("norm_activation::<{activation}>(kernels, {plane}, {norm}, {from}, to);");
    arguments.call("norm", &["norm_activation"], text)
}
