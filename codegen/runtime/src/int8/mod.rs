//! Kernels for inference in 8-bit integers: planar bytes (channels, rows, columns) without gaps, one
//! image at a time. Every engine gives the same bytes.
//!
//! A stored value is a signed byte `X`. A convolution multiplies unsigned bytes `y`: pixels, values
//! that a table made (`y = X + 128`), or what a table makes of values on the way in. A kernel's file
//! knows its layer alone; `engines` has the instruction sets, and `dispatch` chooses among them when
//! the program runs.

pub mod activation;
pub mod arithmetic;
pub mod classifier;
pub mod conv;
#[cfg(target_arch = "x86_64")]
pub mod cpu;
pub mod dispatch;
pub mod engine;
pub mod engines;
#[cfg(all(
    any(target_arch = "aarch64", target_arch = "arm"),
    any(target_os = "linux", target_os = "android")
))]
pub mod linux;
pub mod packing;
pub mod pool;
pub mod taps;
