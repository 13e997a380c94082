//! What trainings compute on.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What `train` says in its last line of a network that a GPU's memory does not hold. That is the
/// network's own failure, so a search must know it from all others.
pub const MEMORY_TOO_SMALL: &str = "the GPU's memory is too small for this network";

/// A device, as named on the command line: `cpu`, `cuda` for the first GPU, `cuda:N`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Device {
    /// This machine's processor.
    #[default]
    Cpu,
    /// An NVIDIA GPU.
    Cuda {
        /// Its number, from 0, as the driver counts.
        ordinal: usize,
    },
}

/// A kind of device. It belongs to what decides a training's weights: sums are taken in another
/// order on another kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// A processor.
    #[default]
    Cpu,
    /// An NVIDIA GPU.
    Cuda,
}

impl Device {
    /// Its kind.
    pub fn backend(self) -> Backend {
        match self {
            Device::Cpu => Backend::Cpu,
            Device::Cuda { .. } => Backend::Cuda,
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Cpu => f.write_str("cpu"),
            Device::Cuda { ordinal } => write!(f, "cuda:{ordinal}"),
        }
    }
}

impl FromStr for Device {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Device> {
        match text.split_once(':') {
            None if text == "cpu" => Ok(Device::Cpu),
            None if text == "cuda" => Ok(Device::Cuda { ordinal: 0 }),
            Some(("cuda", number)) => {
                let ordinal = number
                    .parse()
                    .with_context(|| format!("'{number}' is not the number of a GPU"))?;
                Ok(Device::Cuda { ordinal })
            }
            Some(_) | None => bail!("'{text}' is neither cpu nor cuda nor cuda:N"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_as_they_are_written() {
        let parse = |text: &str| {
            text.parse::<Device>().map(|device| device.to_string()).map_err(|e| format!("{e:#}"))
        };
        for (text, want) in
            [("cpu", "cpu"), ("cuda", "cuda:0"), ("cuda:0", "cuda:0"), ("cuda:3", "cuda:3")]
        {
            assert_eq!(parse(text), Ok(want.into()));
        }
        for wrong in ["", "gpu", "cpu:0", "cuda:", "cuda:-1", "cuda:x", "CUDA"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Device::Cuda { ordinal: 1 }.backend(), Backend::Cuda);
    }
}
