//! What a crate computes, and with what numbers.

use crate::golden::{Golden, IntegerGolden};
use crate::int8::Int8Plan;
use crate::int8::pack::Constants;
use crate::plan::Plan;
use common::quantized::QuantizedNetwork;

/// What a crate computes.
pub(crate) enum Body<'a> {
    /// The network in f32.
    F32(F32Body<'a>),
    /// The network in 8-bit integers.
    Int8(Int8Body<'a>),
}

/// A network in f32.
pub(crate) struct F32Body<'a> {
    /// The plan.
    pub(crate) plan: &'a Plan,
    /// The packed weights.
    pub(crate) constants: &'a [f32],
    /// Recorded inputs and outputs.
    pub(crate) golden: &'a Golden,
}

/// A network in 8-bit integers.
pub(crate) struct Int8Body<'a> {
    /// The plan.
    pub(crate) plan: &'a Int8Plan,
    /// The network.
    pub(crate) quantized: &'a QuantizedNetwork,
    /// The packed constants.
    pub(crate) constants: &'a Constants,
    /// What activated bytes are combined with ([`runtime::int8::packing::Packing::flip`]).
    pub(crate) flip: u8,
    /// What makes a logit of its integer.
    pub(crate) logit_scale: f64,
    /// Recorded inputs and outputs.
    pub(crate) golden: &'a IntegerGolden,
}
