//! Known boards, and the meters and runners of this machine (`measure boards`).

use crate::board::description::Board;
use crate::board::meter::Meter;
use crate::board::runner::Runner;
use crate::files::json::Document;
use serde::{Deserialize, Serialize};

/// The output of `measure boards`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownBoards {
    /// Boards that `--board NAME` finds, by name.
    pub boards: Vec<Board>,
    /// All kinds of meters, each with its availability on this machine.
    pub meters: Vec<MeterOnHost>,
    /// All kinds of runners, each with its availability on this machine.
    pub runners: Vec<RunnerOnHost>,
}

impl Document for KnownBoards {
    const KIND: &'static str = "boards";
}

/// The availability of a meter on this machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeterOnHost {
    /// The kind of meter.
    pub meter: Meter,
    /// `true` if the meter can be read now.
    pub usable: bool,
    /// Names of its counters, e.g. `package-0`; empty if it cannot be used.
    pub counters: Vec<String>,
    /// Reason why it cannot be used; `null` if it can.
    pub reason: Option<String>,
    /// Hardware, program or stand-in that it has been tested with.
    pub tried: String,
}

/// The availability of a runner on this machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunnerOnHost {
    /// The kind of runner.
    pub runner: Runner,
    /// `true` if it can run programs now.
    pub usable: bool,
    /// Tools that it uses and that are installed.
    pub tools: Vec<String>,
    /// Missing tools, as a message; `null` if none is missing.
    pub reason: Option<String>,
    /// Hardware, program or stand-in that it has been tested with.
    pub tried: String,
}
