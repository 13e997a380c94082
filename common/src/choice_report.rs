//! What `explore choose` prints: the network that was chosen on a board, and why not another one.

use crate::choice::{Candidate, Choice, Demand, Demands, OrderBy};
use crate::files::json::Document;
use crate::files::ranges::{BYTES, PARAMETERS, PHYSICAL, SECONDS, SHARE, all_within, within};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The output of `explore choose`. Networks are named by their folders, as paths.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoiceReport {
    /// Name of the board.
    pub board: String,
    /// Quantity in whose order networks were chosen.
    pub objective: OrderBy,
    /// Demands that were made.
    pub demands: Demands,
    /// Network that was chosen; `null` if none meets all demands.
    pub chosen: Option<Candidate>,
    /// Second one; `null` if there is none.
    pub runner_up: Option<Candidate>,
    /// Value of the objective that each demand costs; empty if none was chosen.
    pub cost: BTreeMap<Demand, f64>,
    /// Networks that were not eligible.
    pub excluded: Vec<ExcludedNetwork>,
    /// Where none was chosen, the network that comes nearest; `null` otherwise.
    pub nearest: Option<Candidate>,
}

/// A network that was not eligible.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExcludedNetwork {
    /// Folder of the network.
    pub network: String,
    /// Demands that it fails; empty if there is no such network.
    pub by: Vec<Demand>,
    /// Reason why there is no such network, such as a training that diverged; `null` if there is
    /// one.
    pub reason: Option<String>,
}

impl Document for ChoiceReport {
    const KIND: &'static str = "choice";

    fn check(&self) -> Result<()> {
        self.demands.check().context("demands")?;
        let networks = self.chosen.iter().chain(&self.runner_up).chain(&self.nearest);
        networks.into_iter().try_for_each(check)?;
        self.cost.iter().try_for_each(|(demand, cost)| within(demand.name(), *cost, &PHYSICAL))
    }
}

fn check(network: &Candidate) -> Result<()> {
    let Candidate { validation_accuracy, test_accuracy, parameters, .. } = *network;
    all_within("validation_accuracy", validation_accuracy, &SHARE)?;
    all_within("test_accuracy", test_accuracy, &SHARE)?;
    all_within("parameters", parameters, &PARAMETERS)?;
    all_within("latency_s", network.latency_s, &SECONDS)?;
    all_within("energy_j", network.energy_j, &PHYSICAL)?;
    all_within("power_w", network.power_w, &PHYSICAL)?;
    all_within("flash_bytes", network.flash_bytes, &BYTES)?;
    all_within("arena_bytes", network.arena_bytes, &BYTES)
}

impl ChoiceReport {
    /// Returns the report on a choice. `refused` are networks that do not exist, by their names and
    /// with reasons; `path` returns the path of a network's folder from its name.
    pub fn new(
        board: &str,
        objective: OrderBy,
        demands: Demands,
        choice: &Choice<'_>,
        refused: &[(String, String)],
        path: impl Fn(&str) -> String,
    ) -> ChoiceReport {
        let at_path = |candidate: &Candidate| Candidate {
            network: path(&candidate.network),
            ..candidate.clone()
        };
        let failing = choice.excluded.iter().map(|excluded| ExcludedNetwork {
            network: path(&excluded.candidate.network),
            by: excluded.by.clone(),
            reason: None,
        });
        let missing = refused.iter().map(|(network, reason)| ExcludedNetwork {
            network: path(network),
            by: Vec::new(),
            reason: Some(reason.clone()),
        });
        ChoiceReport {
            board: board.to_string(),
            objective,
            demands,
            chosen: choice.chosen.map(at_path),
            runner_up: choice.runner_up.map(at_path),
            cost: choice.cost.clone(),
            excluded: failing.chain(missing).collect(),
            nearest: choice.nearest.as_ref().map(|nearest| at_path(nearest.candidate)),
        }
    }
}
