//! The kernels for GPUs.

/// The text of the kernels, in CUDA C++.
pub const KERNELS: &str = include_str!("../../templates/cuda/kernels.cu");
