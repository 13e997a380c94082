//! The prologue of a kernel: normalisation and activation of its input.

use common::network::activation::PiecewiseActivation;

/// Batch normalisation and activation of a kernel's input, in this order. `Norm` says which
/// normalisation: the index of its node, or the range of its constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prologue<Norm> {
    /// The batch normalisation.
    pub norm: Option<Norm>,
    /// The activation.
    pub activation: Option<PiecewiseActivation>,
}

impl<Norm> Prologue<Norm> {
    /// The prologue that leaves the input as it is.
    pub(crate) const NONE: Prologue<Norm> = Prologue { norm: None, activation: None };
}
