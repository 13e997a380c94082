//! The engine for `--device`, and explanations of a device's errors.

use crate::model::Engine;
use crate::ops::simd::Level;
use anyhow::{Error, Result, anyhow, ensure};
use common::device::{Device, MEMORY_TOO_SMALL};
use common::profile::Precision;

/// Names that drivers and libraries give to exhausted memory.
const OUT_OF_MEMORY: [&str; 2] = ["CUDA_ERROR_OUT_OF_MEMORY", "CUBLAS_STATUS_ALLOC_FAILED"];

/// Returns the engine for a device.
///
/// # Errors
/// Fails if the device does not have the precision, or if a GPU's driver or libraries are missing
/// or this program was built without support for GPUs.
pub fn engine(device: Device, precision: Precision) -> Result<Engine> {
    match device {
        Device::Cpu => {
            ensure!(
                precision == Precision::F32,
                "the profile's training.precision is for GPUs, and --device is the processor: set \
                 it to \"f32\", or train with --device cuda"
            );
            Ok(Level::detected().into())
        }
        Device::Cuda { ordinal } => gpu(ordinal, precision),
    }
}

/// Replaces an error of exhausted device memory by one that says what to do about it; returns other
/// errors unchanged.
pub(crate) fn explain(error: Error, batch: usize) -> Error {
    let text = format!("{error:#}");
    if OUT_OF_MEMORY.iter().any(|name| text.contains(name)) {
        anyhow!(
            "{MEMORY_TOO_SMALL} with batches of {batch} images: lower training.batch, or let fewer \
             programs use the GPU at once (--workers of a search)"
        )
    } else {
        error
    }
}

#[cfg(not(feature = "cuda"))]
fn gpu(ordinal: usize, _: Precision) -> Result<Engine> {
    anyhow::bail!(
        "--device {}: this program was built without support for NVIDIA GPUs; `make build-cuda` \
         builds one with it, target/cuda/bin/train",
        Device::Cuda { ordinal }
    )
}

#[cfg(feature = "cuda")]
use cuda::gpu;

/// CUDA is loaded when it is needed and not when the program starts (`.ci/cuda-toolkit` shows how
/// it is linked). On a machine without CUDA the same program trains on the processor.
#[cfg(feature = "cuda")]
mod cuda {
    #![allow(unsafe_code)] // Loading a library runs its initialisers.

    use super::{Device, Engine, Precision, Result};
    use crate::candle_backend::CandleBackend;
    use anyhow::Context;
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LAZY};

    const DRIVER: &str = "libcuda.so.1";
    /// Each library comes after those that it needs.
    const LIBRARIES: [&str; 3] = ["libcublasLt.so.13", "libcublas.so.13", "libcurand.so.10"];

    pub(super) fn gpu(ordinal: usize, precision: Precision) -> Result<Engine> {
        let name = Device::Cuda { ordinal };
        load(DRIVER).with_context(|| {
            format!(
                "--device {name}: there is no NVIDIA driver on this machine; install one (580 or \
                 later), or train with --device cpu"
            )
        })?;
        for library in LIBRARIES {
            load(library).with_context(|| {
                format!(
                    "--device {name}: CUDA's {library} is missing; add its folder to \
                     LD_LIBRARY_PATH (pip install nvidia-cublas==13.* nvidia-curand==10.4.*), or \
                     run `make build-cuda` on this machine"
                )
            })?;
        }
        let device = candle_core::Device::new_cuda(ordinal)
            .map_err(|error| opening_failed(name, &error.to_string()))?;
        candle_core::cuda::set_gemm_reduced_precision_f32(precision == Precision::Tf32);
        Ok(Engine::Candle(CandleBackend { device, precision }))
    }

    /// Loads a library for the whole process and for as long as it runs.
    fn load(name: &str) -> Result<()> {
        // SAFETY: the initialisers are those of CUDA's libraries, made to be run by any program.
        let library = unsafe { Library::open(Some(name), RTLD_LAZY | RTLD_GLOBAL) }?;
        std::mem::forget(library);
        Ok(())
    }

    fn opening_failed(device: Device, error: &str) -> anyhow::Error {
        // Later lines are a backtrace.
        let error = error.lines().next().unwrap_or_default();
        let found = |name: &str| error.contains(name);
        if found("CUDA_ERROR_NO_DEVICE") || found("CUDA_ERROR_INVALID_DEVICE") {
            anyhow::anyhow!(
                "--device {device}: the driver finds no such GPU; `nvidia-smi --list-gpus` lists \
                 the GPUs of this machine"
            )
        } else if found("CUDA_ERROR_SYSTEM_DRIVER_MISMATCH") || found("CUDA_ERROR_STUB_LIBRARY") {
            anyhow::anyhow!(
                "--device {device}: the driver does not work ({error}); check that `nvidia-smi` \
                 works"
            )
        } else {
            anyhow::anyhow!("--device {device}: the GPU cannot be used: {error}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn exhausted_memory_is_explained() {
        let failed = |text: &str| -> Error {
            let from_device = candle_core::Error::Cuda(text.to_string().into());
            Err::<(), _>(from_device)
                .context("node stem")
                .context("the backward pass failed")
                .unwrap_err()
        };
        for name in OUT_OF_MEMORY {
            let text = explain(failed(&format!("DriverError({name}, \"out of memory\")")), 128)
                .to_string();
            assert!(
                text.contains("memory is too small") && text.contains("batches of 128 images"),
                "{text}"
            );
        }
        let other =
            format!("{:#}", explain(failed("DriverError(CUDA_ERROR_ILLEGAL_ADDRESS)"), 128));
        assert_eq!(
            other,
            "the backward pass failed: node stem: DriverError(CUDA_ERROR_ILLEGAL_ADDRESS)"
        );
    }

    #[test]
    fn the_processor_computes_in_f32_only() {
        assert!(engine(Device::Cpu, Precision::F32).is_ok());
        for precision in [Precision::Tf32, Precision::Bf16] {
            let error = engine(Device::Cpu, precision).map(drop).unwrap_err().to_string();
            assert!(error.contains("training.precision is for GPUs"), "{error}");
        }
    }
}
