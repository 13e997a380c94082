//! What crates are generated for.

use clap::ValueEnum;
use common::json::Document;
use serde::{Deserialize, Serialize};

/// A platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Platform {
    /// 64-bit Intel and AMD processors.
    #[value(name = "x86_64")]
    X86_64,
}

impl Platform {
    /// The name used on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Platform::X86_64 => "x86_64",
        }
    }

    fn description(self) -> PlatformDescription {
        match self {
            Platform::X86_64 => PlatformDescription {
                name: self.name().to_string(),
                about: "64-bit Intel and AMD processors; AVX-512, AVX2 or neither, chosen when the program starts"
                    .to_string(),
                target: "x86_64-unknown-linux-gnu".to_string(),
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
    /// The Rust target triple that its crates are built for.
    pub target: String,
}

impl Document for Platforms {
    const KIND: &'static str = "platforms";
}

/// All platforms.
pub fn list() -> Platforms {
    Platforms { platforms: Platform::value_variants().iter().map(|platform| platform.description()).collect() }
}
