//! Devices that networks are trained on.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The last line that `train` prints when a GPU has too little memory for a network. The search
/// looks for it: this failure is the network's own, others are the machine's.
pub const MEMORY_TOO_SMALL: &str = "the GPU's memory is too small for this network";

/// A device under its name on the command line: `cpu`, `cuda` for the first GPU, `cuda:N`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Device {
    /// The processor of this machine.
    #[default]
    Cpu,
    /// An NVIDIA GPU.
    Cuda {
        /// Number of the GPU, from 0, in the order of the driver.
        ordinal: usize,
    },
}

/// A kind of device. The weights of a training depend on it, because each kind adds numbers in a
/// different order.
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
    /// Returns the kind of this device.
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
    fn device_names_are_parsed_and_written() {
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
