//! Platforms that networks are generated for.

use crate::files::json::Document;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A platform, under its name on the command line and in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Platform {
    /// 64-bit Intel and AMD processors.
    #[serde(rename = "x86_64")]
    X86_64,
    /// 64-bit ARM processors with Linux.
    #[serde(rename = "aarch64")]
    Aarch64,
    /// 32-bit ARM processors with Linux.
    #[serde(rename = "armv7")]
    Armv7,
    /// ARM microcontrollers, without an operating system.
    #[serde(rename = "cortex-m")]
    CortexM,
    /// NVIDIA GPUs.
    #[serde(rename = "cuda")]
    Cuda,
    /// A model for ONNX Runtime and other programs that read ONNX.
    #[serde(rename = "onnx")]
    Onnx,
}

impl Platform {
    /// All platforms.
    pub const ALL: [Platform; 6] = [
        Platform::X86_64,
        Platform::Aarch64,
        Platform::Armv7,
        Platform::CortexM,
        Platform::Cuda,
        Platform::Onnx,
    ];

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

    /// Returns the Rust target triple that its crates are built for unless a board has another one;
    /// `None` if nothing is built, or if crates are built for this machine.
    pub fn target(self) -> Option<&'static str> {
        match self {
            Platform::X86_64 => Some("x86_64-unknown-linux-gnu"),
            Platform::Aarch64 => Some("aarch64-unknown-linux-gnu"),
            Platform::Armv7 => Some("armv7-unknown-linux-gnueabihf"),
            Platform::CortexM => Some("thumbv7em-none-eabihf"),
            Platform::Cuda | Platform::Onnx => None,
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Platform {
    type Err = anyhow::Error;

    /// Fails with the names of all platforms if none has this name.
    fn from_str(name: &str) -> Result<Platform, anyhow::Error> {
        let found = Platform::ALL.into_iter().find(|platform| platform.name() == name);
        found.ok_or_else(|| {
            let names = Platform::ALL.map(Platform::name).join(", ");
            anyhow::anyhow!("there is no platform {name:?}; there are {names}")
        })
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
    pub name: Platform,
    /// A sentence for people.
    pub about: String,
    /// The Rust target triple that crates are built for; `null` if nothing is built, or if crates
    /// are built for the machine at hand.
    pub target: Option<String>,
}

impl Document for Platforms {
    const KIND: &'static str = "platforms";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_in_files_and_options() {
        for platform in Platform::ALL {
            let name = platform.name();
            assert_eq!(serde_json::to_string(&platform).unwrap(), format!("\"{name}\""));
            assert_eq!(name.parse::<Platform>().unwrap(), platform);
        }
        assert!("x86".parse::<Platform>().unwrap_err().to_string().contains("aarch64, armv7"));
    }
}
