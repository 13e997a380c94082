//! The numbers that a generated crate or model computes with, and those of all crates of a run.

use crate::files::json::Document;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A precision, under its name on the command line and in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit floating-point numbers.
    #[default]
    F32,
    /// 8-bit integers ([`crate::quantized`]).
    Int8,
}

impl Precision {
    /// All precisions.
    pub const ALL: [Precision; 2] = [Precision::F32, Precision::Int8];

    /// Returns the name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Int8 => "int8",
        }
    }

    /// Tells whether this is [`Precision::F32`], which files leave out.
    pub fn is_f32(&self) -> bool {
        *self == Precision::F32
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Precision {
    type Err = anyhow::Error;

    /// Fails with the names of all precisions if none has this name.
    fn from_str(name: &str) -> Result<Precision, anyhow::Error> {
        let found = Precision::ALL.into_iter().find(|precision| precision.name() == name);
        found.ok_or_else(|| {
            let names = Precision::ALL.map(Precision::name).join(", ");
            anyhow::anyhow!("there is no precision {name:?}; there are {names}")
        })
    }
}

/// The precisions in which a run generates and measures its networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precisions {
    /// Only 32-bit floating-point numbers.
    F32,
    /// Only 8-bit integers, made of weights that are trained as 32-bit floating-point numbers.
    Int8,
    /// Each network in both.
    Both,
}

impl Precisions {
    /// Returns the name in files and for make.
    pub fn name(self) -> &'static str {
        match self {
            Precisions::F32 => "f32",
            Precisions::Int8 => "int8",
            Precisions::Both => "both",
        }
    }

    /// Tells whether networks are generated in this precision.
    pub fn include(self, precision: Precision) -> bool {
        match (self, precision) {
            (Precisions::Both, _)
            | (Precisions::F32, Precision::F32)
            | (Precisions::Int8, Precision::Int8) => true,
            (Precisions::F32, Precision::Int8) | (Precisions::Int8, Precision::F32) => false,
        }
    }
}

/// The precisions that were asked for last in a run (`precision.json`), which take precedence over
/// those of its profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunPrecision {
    /// The precisions.
    pub precision: Precisions,
}

impl Document for RunPrecision {
    const KIND: &'static str = "precision";
}
