//! Runners: ways to bring a program to a board and run it.

use crate::board::meter::Meter;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A way to bring a program to a board and run it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runner {
    /// On this machine.
    Local,
    /// On another machine, through OpenSSH.
    Ssh,
    /// On an Android device, through adb.
    Adb,
    /// In an emulator on this machine. Results are those of the board, times are not.
    Qemu,
    /// On a microcontroller behind a debug probe, through probe-rs.
    ProbeRs,
}

impl Runner {
    /// All kinds of runners.
    pub const ALL: [Runner; 5] =
        [Runner::Local, Runner::Ssh, Runner::Adb, Runner::Qemu, Runner::ProbeRs];

    /// Returns the meters that can measure a program under this runner.
    pub(crate) fn meters(self) -> &'static [Meter] {
        match self {
            Runner::Local => &Meter::ALL,
            Runner::Ssh | Runner::Adb => {
                &[Meter::Rapl, Meter::Hwmon, Meter::Csv, Meter::Manual, Meter::None]
            }
            Runner::ProbeRs => &[Meter::Csv, Meter::Manual, Meter::None],
            Runner::Qemu => &[Meter::None],
        }
    }

    /// Returns what the runner has been tested with, which is hardware only where that is said.
    pub fn tried(self) -> &'static str {
        match self {
            Runner::Local => "Linux on x86-64",
            Runner::Ssh => "an OpenSSH server",
            Runner::Adb => "a stand-in for adb, not yet run on hardware",
            Runner::Qemu => "QEMU",
            Runner::ProbeRs => "a stand-in for probe-rs, not yet run on hardware",
        }
    }
}

impl fmt::Display for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Runner::Local => "local",
            Runner::Ssh => "ssh",
            Runner::Adb => "adb",
            Runner::Qemu => "qemu",
            Runner::ProbeRs => "probe-rs",
        })
    }
}
