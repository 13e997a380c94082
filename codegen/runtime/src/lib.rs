//! The kernels of generated crates: `no_std`, no allocator, no dependencies.
//!
//! Tensors are planar (channels, rows, columns) without gaps, batch 1: f32 in [`kernels`], bytes in
//! [`int8`]. The modules of either are tested here and copied as they are into a generated crate;
//! [`SOURCES`] and [`INT8_SOURCES`] hold their text. Their tests are in `tests`, so that the copies
//! have none.
#![no_std]

pub mod int8;
pub mod kernels;
mod sources;

pub use kernels::{activation, add, arena, conv, dispatch, linear, norm, pool, simd, taps};
pub use sources::{INT8_SOURCES, SOURCES};
