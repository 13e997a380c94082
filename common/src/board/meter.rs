//! How a board's energy is read.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How energy is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Meter {
    /// Intel and AMD package counters through Linux's powercap.
    Rapl,
    /// An NVIDIA GPU's own counter through its driver's library.
    Nvml,
    /// Current sensors on the board's rails, through Linux's hwmon.
    Hwmon,
    /// A logger's file of watts and times.
    Csv,
    /// A wall meter that somebody reads.
    Manual,
    /// Not at all.
    None,
}

impl Meter {
    /// Every kind of meter.
    pub const ALL: [Meter; 6] =
        [Meter::Rapl, Meter::Nvml, Meter::Hwmon, Meter::Csv, Meter::Manual, Meter::None];

    /// With what it has been tried: a meter that nobody read on hardware says so.
    pub fn tried(self) -> &'static str {
        match self {
            Meter::Rapl => "a stand-in for sysfs, not yet run on hardware",
            Meter::Nvml => "a stand-in for NVIDIA's library, not yet run on hardware",
            Meter::Hwmon => "a stand-in for sysfs, not yet run on hardware",
            Meter::Csv => "files that tests write",
            Meter::Manual => "numbers that tests type",
            Meter::None => "every board",
        }
    }
}

impl fmt::Display for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Meter::Rapl => "rapl",
            Meter::Nvml => "nvml",
            Meter::Hwmon => "hwmon",
            Meter::Csv => "csv",
            Meter::Manual => "manual",
            Meter::None => "none",
        })
    }
}
