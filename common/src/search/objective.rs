//! Objectives of a search.

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
    /// Bytes of working memory that the generated crate needs.
    ArenaBytes,
    /// Bytes of constants and, on a microcontroller, of code that the generated crate needs.
    FlashBytes,
    /// Measured median time of one inference, in seconds.
    LatencyS,
    /// Measured median energy of one inference, in joules.
    EnergyJ,
}

impl Objective {
    /// All objectives.
    pub const ALL: [Objective; 7] = [
        Objective::Error,
        Objective::Params,
        Objective::Macs,
        Objective::ArenaBytes,
        Objective::FlashBytes,
        Objective::LatencyS,
        Objective::EnergyJ,
    ];

    /// The two objectives of the paper (section 3.2).
    pub const PAPER: [Objective; 2] = [Objective::Error, Objective::Params];

    /// Returns whether the objective is measured on a board.
    pub fn is_measured(self) -> bool {
        match self {
            Objective::LatencyS | Objective::EnergyJ => true,
            Objective::Error
            | Objective::Params
            | Objective::Macs
            | Objective::ArenaBytes
            | Objective::FlashBytes => false,
        }
    }

    /// Returns an approximation of the objective that is known before a network is trained to the
    /// end, generated and measured: `error`, which is predicted or that of a partial training, and
    /// multiply-adds in place of working memory, time and energy, which grow with them, and
    /// parameters in place of the constants that they become.
    pub fn proxy(self, error: f64, counts: Counts) -> f64 {
        match self {
            Objective::Error => error,
            Objective::Params | Objective::FlashBytes => counts.parameters as f64,
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
            Objective::FlashBytes => "flash_bytes",
            Objective::LatencyS => "latency_s",
            Objective::EnergyJ => "energy_j",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_in_files() {
        for objective in Objective::ALL {
            assert_eq!(serde_json::to_string(&objective).unwrap(), format!("\"{objective}\""));
        }
    }
}
