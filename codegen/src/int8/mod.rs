//! How a network in 8-bit integers is computed: the steps of [`common::quantized::Plan`] as calls of
//! kernels, with a place in memory for each value and the packed constants. All offsets and lengths
//! of the arena are in bytes.

mod constants;
mod kernel;
mod lowering;
pub mod pack;
mod plan;
mod planner;

pub use constants::{FilterConstants, Lengths, TableConstants};
pub use kernel::Kernel;
pub use plan::{Int8Plan, Source, Step};

use anyhow::{Result, bail};
use common::board::Platform;
use runtime::int8::packing::Packing;

/// Returns the packing of a platform's crates.
///
/// # Errors
/// Fails if the platform has no crates in integers.
pub fn packing(platform: Platform) -> Result<Packing> {
    match platform {
        Platform::X86_64 => Ok(Packing::X86_64),
        Platform::Aarch64 => Ok(Packing::AARCH64),
        Platform::Armv7 => Ok(Packing::ARMV7),
        Platform::CortexM => Ok(Packing::CORTEX_M),
        Platform::Cuda => bail!("there are no int8 crates for NVIDIA GPUs; name another platform"),
        Platform::Onnx => bail!(
            "the program that runs an ONNX model plans for itself; name a platform that has crates"
        ),
    }
}
