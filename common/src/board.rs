//! A board: where a generated crate runs and how its energy is read (`pipelines/boards/*.json`).

use crate::json::Document;
use serde::{Deserialize, Serialize};

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
}

/// How a crate gets to a board and runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Runner {
    /// On this machine.
    Local,
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
