//! What a search minimises.

use crate::network::counts::Counts;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A quantity that a search minimises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// 1 minus the validation accuracy.
    Error,
    /// Trainable parameters.
    Params,
    /// Multiply-adds for one image.
    Macs,
    /// Bytes of working memory of the generated crate.
    ArenaBytes,
    /// Measured time of one inference.
    LatencyS,
    /// Measured energy of one inference.
    EnergyJ,
}

impl Objective {
    /// Every objective.
    pub const ALL: [Objective; 6] = [
        Objective::Error,
        Objective::Params,
        Objective::Macs,
        Objective::ArenaBytes,
        Objective::LatencyS,
        Objective::EnergyJ,
    ];

    /// The paper's two (section 3.2).
    pub const PAPER: [Objective; 2] = [Objective::Error, Objective::Params];

    /// Whether it takes a board.
    pub fn is_measured(self) -> bool {
        match self {
            Objective::LatencyS | Objective::EnergyJ => true,
            Objective::Error | Objective::Params | Objective::Macs | Objective::ArenaBytes => false,
        }
    }

    /// What stands for it before a network is trained, generated and measured: an error as it is
    /// guessed or was half-way, and multiply-adds for memory, time and energy, which grow with
    /// them.
    pub fn before(self, error: f64, counts: Counts) -> f64 {
        match self {
            Objective::Error => error,
            Objective::Params => counts.parameters as f64,
            Objective::Macs | Objective::ArenaBytes | Objective::LatencyS | Objective::EnergyJ => {
                counts.macs as f64
            }
        }
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Objective::Error => "error",
            Objective::Params => "params",
            Objective::Macs => "macs",
            Objective::ArenaBytes => "arena_bytes",
            Objective::LatencyS => "latency_s",
            Objective::EnergyJ => "energy_j",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_files() {
        for objective in Objective::ALL {
            assert_eq!(serde_json::to_string(&objective).unwrap(), format!("\"{objective}\""));
        }
    }
}
