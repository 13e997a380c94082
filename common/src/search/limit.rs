//! Limits that can be set for each board of a search.

use crate::search::objective::Quantity;
use crate::search::requirements::Requirements;
use std::fmt;
use std::str::FromStr;

/// A criterion on what is measured on a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// Maximum median time of one inference, in seconds.
    LatencyS,
    /// Maximum median gross energy of one inference, in joules.
    EnergyJ,
    /// Maximum average gross power while inferences run, in watts.
    PowerW,
}

impl Limit {
    /// All limits.
    pub const ALL: [Limit; 3] = [Limit::LatencyS, Limit::EnergyJ, Limit::PowerW];

    /// Returns the limit that requirements set.
    pub fn of(self, requirements: &Requirements) -> Option<f64> {
        match self {
            Limit::LatencyS => requirements.max_latency_s,
            Limit::EnergyJ => requirements.max_energy_j,
            Limit::PowerW => requirements.max_power_w,
        }
    }

    /// Returns the place of the limit in requirements.
    pub(crate) fn of_mut(self, requirements: &mut Requirements) -> &mut Option<f64> {
        match self {
            Limit::LatencyS => &mut requirements.max_latency_s,
            Limit::EnergyJ => &mut requirements.max_energy_j,
            Limit::PowerW => &mut requirements.max_power_w,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Limit::LatencyS => "max_latency_s",
            Limit::EnergyJ => "max_energy_j",
            Limit::PowerW => "max_power_w",
        })
    }
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(name: &str) -> Result<Limit, String> {
        named(name, &Limit::ALL)
    }
}

/// A limit on the memory of a crate, which depends on the platform of a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemoryLimit {
    /// Maximum number of bytes of working memory.
    ArenaBytes,
    /// Maximum number of bytes of constants and, on a microcontroller, of code.
    FlashBytes,
}

impl MemoryLimit {
    /// All limits.
    pub const ALL: [MemoryLimit; 2] = [MemoryLimit::ArenaBytes, MemoryLimit::FlashBytes];

    /// Returns the quantity that is limited.
    pub fn quantity(self) -> Quantity {
        match self {
            MemoryLimit::ArenaBytes => Quantity::ArenaBytes,
            MemoryLimit::FlashBytes => Quantity::FlashBytes,
        }
    }
}

impl fmt::Display for MemoryLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "max_{}", self.quantity())
    }
}

impl FromStr for MemoryLimit {
    type Err = String;

    fn from_str(name: &str) -> Result<MemoryLimit, String> {
        named(name, &MemoryLimit::ALL)
    }
}

/// Returns the limit with a name, or the error of an unknown key.
fn named<L: Copy + fmt::Display>(name: &str, all: &[L]) -> Result<L, String> {
    let found = all.iter().copied().find(|limit| limit.to_string() == name);
    found.ok_or_else(|| format!("unknown field `{name}`"))
}
