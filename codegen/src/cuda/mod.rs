//! The platform `cuda`: a crate for NVIDIA GPUs.
//!
//! [`calls`] turns a plan into calls of the kernels in `templates/cuda/kernels.cu`.

mod calls;
mod launch;

pub use calls::{Call, Place, calls};
pub use launch::Launch;

/// The kernels' text.
pub const KERNELS: &str = include_str!("../../templates/cuda/kernels.cu");
