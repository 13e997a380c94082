//! The work of kernels, of which `codegen plan` prints the sums: what the time of an inference
//! depends on, counted in plans, in f32 and in integers.

mod activation_cost;
pub(crate) mod int8;
pub(crate) mod real;
pub(crate) mod sums;
mod vectors;
