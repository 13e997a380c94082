//! What the processor has: a generated crate has the kernels' file in this place.

pub use super::super::kernels::cpu::Cpu;
