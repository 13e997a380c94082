//! What distinguishes the platforms ([`Platform`]) for `codegen`.

use crate::onnx::model::OPSET;
use crate::plan::Device;
use common::board::{Platform, PlatformDescription, Platforms};

/// Returns the device of a plan for this platform; `None` for a model, which has no plan.
pub(crate) fn device(platform: Platform) -> Option<Device> {
    match platform {
        Platform::X86_64 => Some(Device::X86_64),
        Platform::Aarch64 | Platform::Armv7 | Platform::CortexM => Some(Device::Arm),
        Platform::Cuda => Some(Device::Gpu),
        Platform::Onnx => None,
    }
}

/// Returns whether crates can have a part for programs in C.
pub(crate) fn has_c_api(platform: Platform) -> bool {
    match platform {
        Platform::X86_64 | Platform::Aarch64 | Platform::Armv7 | Platform::CortexM => true,
        Platform::Cuda | Platform::Onnx => false,
    }
}

/// Returns a sentence for people.
fn about(platform: Platform) -> String {
    match platform {
        Platform::X86_64 => {
            "64-bit Intel and AMD processors; AVX-512, AVX2 or neither, chosen when the program starts".to_string()
        }
        Platform::Aarch64 => "64-bit ARM processors with Linux: Raspberry Pi 3 to 5, Jetson".to_string(),
        Platform::Armv7 => "32-bit ARM processors with Linux: ODROID-XU4, Raspberry Pi 2 to 4".to_string(),
        Platform::CortexM => {
            "ARM microcontrollers, no operating system: Cortex-M4F and M7 in f32, in int8 also those without a floating-point unit".to_string()
        }
        Platform::Cuda => {
            "NVIDIA GPUs; the kernels are compiled for the GPU at hand when the program starts; built, not yet run on hardware".to_string()
        }
        Platform::Onnx => {
            format!("a model, opset {OPSET}, for ONNX Runtime and everything else that reads ONNX")
        }
    }
}

/// Returns all platforms.
pub fn list() -> Platforms {
    let describe = |platform: Platform| PlatformDescription {
        name: platform,
        about: about(platform),
        target: platform.target().map(str::to_string),
    };
    Platforms { platforms: Platform::ALL.map(describe).to_vec() }
}
