//! From f32 weights to an int8 network: `quantizer` goes through the steps of the plan in order
//! and finds the parameters of each, with what the f32 network computes on some training images
//! (`samples`) and what the int8 network made of the same images so far (`pipeline`).

mod activate;
mod classify;
mod convolve;
mod errors;
mod filters;
mod grid;
mod pipeline;
mod quantizer;
mod ranges;
mod real;
mod samples;
mod score;
mod state;
mod table;

pub use quantizer::{Quantized, quantize};
pub use score::{IntegerScore, score, write_logits};
