//! Kernels for inference: planar f32 tensors (channels, rows, columns) without gaps, one image at a
//! time. A kernel's file knows its layer alone; `simd` has the vector instructions, and `dispatch`
//! chooses among them when the program runs.

pub mod activation;
pub mod add;
pub mod arena;
pub mod conv;
#[cfg(target_arch = "x86_64")]
pub mod cpu;
pub mod dispatch;
pub mod linear;
#[cfg(all(
    any(target_arch = "aarch64", target_arch = "arm"),
    any(target_os = "linux", target_os = "android")
))]
pub mod linux;
pub mod norm;
pub mod pool;
pub mod simd;
pub mod taps;
