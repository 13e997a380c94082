//! The boards that are known, and which meters and runners this machine has (`measure boards`).

use crate::board::description::Board;
use crate::board::meter::Meter;
use crate::board::runner::Runner;
use crate::files::json::Document;
use serde::{Deserialize, Serialize};

/// What `measure boards` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownBoards {
    /// The boards that `--board NAME` finds, by name.
    pub boards: Vec<Board>,
    /// Every kind of meter, and whether this machine has it.
    pub meters: Vec<MeterOnHost>,
    /// Every kind of runner, and whether this machine has what it needs.
    pub runners: Vec<RunnerOnHost>,
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
    /// With what it has been tried.
    pub tried: String,
}

/// Whether this machine has what a runner needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunnerOnHost {
    /// The kind of runner.
    pub runner: Runner,
    /// Whether it can run here and now.
    pub usable: bool,
    /// The tools it uses that are here.
    pub tools: Vec<String>,
    /// What is missing; `null` where nothing is.
    pub reason: Option<String>,
    /// With what it has been tried.
    pub tried: String,
}
