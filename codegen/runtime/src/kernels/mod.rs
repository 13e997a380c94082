//! Kernels for inference: planar f32 tensors (channels, rows, columns) without gaps, one image at a
//! time.

pub mod activation;
pub mod add;
pub mod arena;
pub mod conv;
pub mod linear;
pub mod norm;
pub mod pool;
pub mod simd;
#[cfg(target_arch = "aarch64")]
mod simd_aarch64;
#[cfg(all(target_arch = "arm", target_os = "linux"))]
mod simd_arm_neon;
#[cfg(target_arch = "arm")]
mod simd_arm_vfp;
#[cfg(target_arch = "x86_64")]
mod simd_x86_64;
