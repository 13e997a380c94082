//! The instruction sets.

#[cfg(target_arch = "aarch64")]
pub mod aarch64;
#[cfg(all(target_arch = "arm", target_os = "linux"))]
pub mod armv7;
// Microcontrollers have one engine: flash is scarce.
#[cfg(all(target_arch = "arm", target_os = "none"))]
pub mod cortex_m;
#[cfg(not(all(target_arch = "arm", target_os = "none")))]
pub mod scalar;
#[cfg(target_arch = "x86_64")]
pub mod x86_64;
