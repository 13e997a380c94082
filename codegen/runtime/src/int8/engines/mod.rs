//! The instruction sets.

#[cfg(target_arch = "aarch64")]
pub mod aarch64;
#[cfg(all(target_arch = "arm", target_os = "linux"))]
pub mod armv7;
pub mod scalar;
#[cfg(target_arch = "x86_64")]
pub mod x86_64;
