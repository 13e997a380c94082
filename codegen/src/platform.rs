//! The platforms that networks are generated for.

use crate::onnx::model::OPSET;
use crate::plan::Device;
use clap::ValueEnum;
use common::json::Document;
use serde::{Deserialize, Serialize};

/// A platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Platform {
    /// 64-bit Intel and AMD processors.
    #[value(name = "x86_64")]
    X86_64,
    /// 64-bit ARM processors with Linux.
    #[value(name = "aarch64")]
    Aarch64,
    /// 32-bit ARM processors with Linux.
    #[value(name = "armv7")]
    Armv7,
    /// ARM microcontrollers with a floating-point unit, without an operating system.
    #[value(name = "cortex-m")]
    CortexM,
    /// NVIDIA GPUs.
    Cuda,
    /// A model for ONNX Runtime and everything else that reads ONNX.
    Onnx,
}

impl Platform {
    /// Returns the name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Platform::X86_64 => "x86_64",
            Platform::Aarch64 => "aarch64",
            Platform::Armv7 => "armv7",
            Platform::CortexM => "cortex-m",
            Platform::Cuda => "cuda",
            Platform::Onnx => "onnx",
        }
    }

    /// Returns the Rust target triple that crates are built for, if it is known.
    pub fn target(self) -> Option<&'static str> {
        match self {
            Platform::X86_64 => Some("x86_64-unknown-linux-gnu"),
            Platform::Aarch64 => Some("aarch64-unknown-linux-gnu"),
            Platform::Armv7 => Some("armv7-unknown-linux-gnueabihf"),
            Platform::CortexM => Some("thumbv7em-none-eabihf"),
            Platform::Cuda | Platform::Onnx => None,
        }
    }

    /// Returns the device of a plan for this platform; `None` for a model, which has no plan.
    pub(crate) fn device(self) -> Option<Device> {
        match self {
            Platform::X86_64 | Platform::Aarch64 | Platform::Armv7 | Platform::CortexM => {
                Some(Device::Cpu)
            }
            Platform::Cuda => Some(Device::Gpu),
            Platform::Onnx => None,
        }
    }

    /// Returns a sentence for people.
    fn about(self) -> String {
        match self {
            Platform::X86_64 => {
                "64-bit Intel and AMD processors; AVX-512, AVX2 or neither, chosen when the program starts".to_string()
            }
            Platform::Aarch64 => "64-bit ARM processors with Linux: Raspberry Pi 3 to 5, Jetson".to_string(),
            Platform::Armv7 => "32-bit ARM processors with Linux: ODROID-XU4, Raspberry Pi 2 to 4".to_string(),
            Platform::CortexM => {
                "ARM microcontrollers with a floating-point unit (Cortex-M4F, M7), no operating system".to_string()
            }
            Platform::Cuda => {
                "NVIDIA GPUs; the kernels are compiled for the GPU at hand when the program starts; built, not yet run on hardware".to_string()
            }
            Platform::Onnx => {
                format!("a model, opset {OPSET}, for ONNX Runtime and everything else that reads ONNX")
            }
        }
    }
}

/// The list that `codegen platforms` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platforms {
    /// All platforms.
    pub platforms: Vec<PlatformDescription>,
}

/// The description of a platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlatformDescription {
    /// The name, as in `--platform`.
    pub name: String,
    /// A sentence for people.
    pub about: String,
    /// The Rust target triple that crates are built for; `null` if nothing is built, or if crates
    /// are built for the machine at hand.
    pub target: Option<String>,
}

impl Document for Platforms {
    const KIND: &'static str = "platforms";
}

/// Returns all platforms.
pub fn list() -> Platforms {
    let describe = |platform: &Platform| PlatformDescription {
        name: platform.name().to_string(),
        about: platform.about(),
        target: platform.target().map(str::to_string),
    };
    Platforms { platforms: Platform::value_variants().iter().map(describe).collect() }
}
