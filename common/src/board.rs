//! A board: where a generated crate runs and how its energy is read (`pipelines/boards/*.json`).

use crate::json::Document;
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use std::fmt;

/// `board.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// Name, as in `--board NAME`.
    pub name: String,
    /// What it is, for people.
    pub about: String,
    /// The code generation platform whose crates run on it.
    pub platform: String,
    /// Rust target triple that crates are built for; `null` for the building machine's own.
    pub target: Option<String>,
    /// How a crate gets to the board and runs.
    pub runner: Runner,
    /// How energy is read.
    pub meter: Meter,
}

impl Document for Board {
    const KIND: &'static str = "board";

    fn check(&self) -> Result<()> {
        let harmless = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        ensure!(
            !self.name.is_empty() && self.name.chars().all(harmless),
            "the board name {:?} may only have letters, digits, '-' and '_'",
            self.name
        );
        Ok(())
    }
}

/// How a crate gets to a board and runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Runner {
    /// On this machine.
    Local,
    /// On another machine, through OpenSSH.
    Ssh,
}

/// How energy is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Meter {
    /// Intel and AMD package counters through Linux's powercap.
    Rapl,
    /// Not at all.
    None,
}

impl Meter {
    /// Every kind of meter.
    pub const ALL: [Meter; 2] = [Meter::Rapl, Meter::None];
}

impl fmt::Display for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Meter::Rapl => "rapl",
            Meter::None => "none",
        })
    }
}

/// What `measure boards` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownBoards {
    /// The boards that `--board NAME` finds, by name.
    pub boards: Vec<Board>,
    /// Every kind of meter, and whether this machine has it.
    pub meters: Vec<MeterOnHost>,
}

impl Document for KnownBoards {
    const KIND: &'static str = "boards";
}

/// Whether this machine has a meter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeterOnHost {
    /// The kind of meter.
    pub meter: Meter,
    /// Whether it can be read here and now.
    pub usable: bool,
    /// What it reads, e.g. `package-0`; empty where it cannot be used.
    pub counters: Vec<String>,
    /// Why it cannot be used; `null` where it can.
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_a_path_is_refused() {
        let board = |name: &str| Board {
            name: name.into(),
            about: String::new(),
            platform: "x86_64".into(),
            target: None,
            runner: Runner::Local,
            meter: Meter::None,
        };
        assert!(board("raspberry-pi-4").check().is_ok());
        assert!(board("").check().is_err());
        assert!(board("../host").check().is_err());
    }
}
