//! The instruction sets.

pub mod scalar;
