//! Objectives of a search.

use crate::network::counts::Counts;
use crate::search::on_board::OnBoard;
use std::fmt;
use std::str::FromStr;

/// A quantity that a search minimises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
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

/// What a quantity depends on beside the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dependence {
    /// On nothing.
    None,
    /// On the platform of the board.
    Platform,
    /// On the board, where it is measured.
    Board,
}

impl Quantity {
    /// All quantities.
    pub const ALL: [Quantity; 7] = [
        Quantity::Error,
        Quantity::Params,
        Quantity::Macs,
        Quantity::ArenaBytes,
        Quantity::FlashBytes,
        Quantity::LatencyS,
        Quantity::EnergyJ,
    ];

    /// Returns what the quantity depends on beside the network.
    pub fn dependence(self) -> Dependence {
        match self {
            Quantity::LatencyS | Quantity::EnergyJ => Dependence::Board,
            Quantity::ArenaBytes | Quantity::FlashBytes => Dependence::Platform,
            Quantity::Error | Quantity::Params | Quantity::Macs => Dependence::None,
        }
    }

    /// Returns an approximation of the quantity that is known before a network is trained to the
    /// end, generated and measured: `error`, which is predicted or that of a partial training, and
    /// multiply-adds in place of working memory, time and energy, which grow with them, and
    /// parameters in place of the constants that they become.
    pub fn proxy(self, error: f64, counts: Counts) -> f64 {
        match self {
            Quantity::Error => error,
            Quantity::Params | Quantity::FlashBytes => counts.parameters as f64,
            Quantity::Macs | Quantity::ArenaBytes | Quantity::LatencyS | Quantity::EnergyJ => {
                counts.macs as f64
            }
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Quantity::Error => "error",
            Quantity::Params => "params",
            Quantity::Macs => "macs",
            Quantity::ArenaBytes => "arena_bytes",
            Quantity::FlashBytes => "flash_bytes",
            Quantity::LatencyS => "latency_s",
            Quantity::EnergyJ => "energy_j",
        })
    }
}

impl FromStr for Quantity {
    type Err = String;

    /// Fails with the names of all quantities if none has this name.
    fn from_str(name: &str) -> Result<Quantity, String> {
        let known = Quantity::ALL.into_iter().find(|quantity| quantity.to_string() == name);
        known.ok_or_else(|| {
            format!("the objectives are {}", Quantity::ALL.map(|q| q.to_string()).join(", "))
        })
    }
}

/// An objective of a search, which is minimised: a quantity and, if the search has several boards,
/// the board that it is of.
pub type Objective = OnBoard<Quantity>;

impl Objective {
    /// The two objectives of the paper (section 3.2).
    pub const PAPER: [Objective; 2] = [OnBoard::of(Quantity::Error), OnBoard::of(Quantity::Params)];

    /// Returns whether the objective is measured on a board.
    pub fn is_measured(&self) -> bool {
        self.what.dependence() == Dependence::Board
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for quantity in Quantity::ALL {
            assert_eq!(quantity.to_string().parse(), Ok(quantity));
            let objective = OnBoard { what: quantity, board: Some("lab-pi".into()) };
            let text = serde_json::to_string(&objective).unwrap();
            assert_eq!(text, format!("\"{quantity}@lab-pi\""));
            assert_eq!(serde_json::from_str::<Objective>(&text).unwrap(), objective);
        }
        let error = serde_json::from_str::<Objective>("\"speed\"").unwrap_err().to_string();
        assert!(
            error.starts_with("the objectives are error, params, macs, arena_bytes"),
            "{error}"
        );
    }
}
