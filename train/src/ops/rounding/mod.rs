//! Quantisation-aware training: floating-point numbers are rounded where the int8 network of
//! `common::quantized` will round, so that the weights learn to do without the rest ("fake
//! quantization", Jacob et al. 2018, arXiv:1712.05877, section 3). The gradient passes a rounding
//! unchanged, and is zero for a value beyond its range ("straight-through", Bengio et al. 2013).
//!
//! In the order of the integer network: `weights` of a filter have one scale; `results` of a
//! convolution are stored with a scale and an offset for each channel; a `table` rounds the
//! argument of an activation and its result. Ranges are those of the batch, like the statistics of
//! batch normalisation, so nothing has to be kept from one step to the next.

pub mod argument;
pub(crate) mod bins;
pub(super) mod range;
pub mod results;
pub mod table;
pub mod weights;
