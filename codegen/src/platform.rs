//! What networks are generated for.

use crate::onnx::model::OPSET;
use clap::ValueEnum;
use common::json::Document;
use serde::{Deserialize, Serialize};

/// A platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Platform {
    /// 64-bit Intel and AMD processors.
    #[value(name = "x86_64")]
    X86_64,
    /// A model for ONNX Runtime and everything else that reads ONNX.
    Onnx,
}

impl Platform {
    /// The name used on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Platform::X86_64 => "x86_64",
            Platform::Onnx => "onnx",
        }
    }

    fn description(self) -> PlatformDescription {
        match self {
            Platform::X86_64 => PlatformDescription {
                name: self.name().to_string(),
                about: "64-bit Intel and AMD processors; AVX-512, AVX2 or neither, chosen when the program starts"
                    .to_string(),
                target: Some("x86_64-unknown-linux-gnu".to_string()),
            },
            Platform::Onnx => PlatformDescription {
                name: self.name().to_string(),
                about: format!("a model, opset {OPSET}, for ONNX Runtime and everything else that reads ONNX"),
                target: None,
            },
        }
    }
}

/// What `codegen platforms` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platforms {
    /// All platforms.
    pub platforms: Vec<PlatformDescription>,
}

/// One platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlatformDescription {
    /// As in `--platform`.
    pub name: String,
    /// What it is, for people.
    pub about: String,
    /// The Rust target triple that its crates are built for; `null` where nothing is built.
    pub target: Option<String>,
}

impl Document for Platforms {
    const KIND: &'static str = "platforms";
}

/// All platforms.
pub fn list() -> Platforms {
    Platforms { platforms: Platform::value_variants().iter().map(|platform| platform.description()).collect() }
}
