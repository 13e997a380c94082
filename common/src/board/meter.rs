//! Meters: ways to read the energy of a board.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A way to read energy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Meter {
    /// Counters of Intel and AMD packages, through Linux's powercap.
    Rapl,
    /// The energy counter of an NVIDIA GPU, through its driver's library (NVML).
    Nvml,
    /// Current sensors on the board's rails, through Linux's hwmon.
    Hwmon,
    /// A file of times and watts that a logger writes.
    Csv,
    /// A wall meter that a person reads.
    Manual,
    /// No meter.
    None,
}

impl Meter {
    /// All kinds of meters.
    pub const ALL: [Meter; 6] =
        [Meter::Rapl, Meter::Nvml, Meter::Hwmon, Meter::Csv, Meter::Manual, Meter::None];

    /// Returns what the meter has been tested with, which is hardware only where that is said.
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
