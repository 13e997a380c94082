//! Kernels for NVIDIA GPUs: from a plan to calls of the kernels in `templates/cuda/kernels.cu`,
//! with numbers of blocks and threads. The files of a crate are written elsewhere, in `emit`.

mod calls;
mod kernels;
mod launch;

pub use calls::{Call, Location, calls};
pub use kernels::KERNELS;
pub use launch::Launch;
