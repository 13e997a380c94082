//! Candle operations with kernels of this crate: the few that decide the speed of a training step.
//! Autograd is Candle's.
//!
//! All operations work on contiguous f32 tensors on the CPU, in blocks of 16 images ([`blocks`]).
//! Work is cut into bands of rows that depend on shapes alone, and sums over bands are taken in a
//! fixed order, so results do not depend on the number of threads.

pub mod activation;
pub mod blocks;
pub mod condense;
pub mod conv;
mod correlate;
pub mod dropout;
pub mod norm;
pub(crate) mod pool;
pub mod rounding;
pub mod scratch;
pub(crate) mod shortcut;
pub mod simd;
pub mod statistics;
mod storage;
mod weight_gradient;
