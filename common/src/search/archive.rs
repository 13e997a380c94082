//! `archive.json`: the archive after the last finished iteration.

use crate::files::json::Document;
use crate::files::ranges::{COUNT, PHYSICAL, SHARE, all_within, within};
use crate::search::evaluation::Evaluation;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// `archive.json`: the archive after the last finished iteration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// Iterations finished, the initial population included.
    pub iterations: usize,
    /// Evaluations made.
    pub evaluations: usize,
    /// The individual that ended the search, as it meets all criteria; `null` where none does or
    /// there are none.
    pub criteria_met_by: Option<String>,
    /// The archive, by parameters and then error.
    pub individuals: Vec<Individual>,
    /// Evaluations outside the archive of which more is known than the log has: a second seed, a
    /// measurement.
    #[serde(default)]
    pub dropped: Vec<Evaluation>,
}

impl Document for Archive {
    const KIND: &'static str = "archive";

    fn check(&self) -> Result<()> {
        within("iterations", self.iterations, &COUNT)?;
        within("evaluations", self.evaluations, &COUNT)?;
        let check = |(index, individual): (usize, &Individual)| {
            individual.check().with_context(|| format!("individuals[{index}]"))
        };
        self.individuals.iter().enumerate().try_for_each(check)?;
        self.dropped.iter().try_for_each(Evaluation::check).context("dropped")
    }
}

impl Individual {
    fn check(&self) -> Result<()> {
        self.evaluation.check().context("evaluation")?;
        all_within("nid", self.nid, &PHYSICAL)?;
        // Each is below the square of how many there are.
        within("strength", self.strength, &(0..=1 << 60))?;
        within("raw_fitness", self.raw_fitness, &(0..=1 << 60))?;
        within("density", self.density, &SHARE)
    }
}

/// A member of the archive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Individual {
    /// The evaluation it comes from, and its numbers.
    pub evaluation: Evaluation,
    /// Accuracy per million parameters; `null` for a failed training.
    pub nid: Option<f64>,
    /// Whether no individual that was trained in full dominates it; never true of a failed or
    /// stopped training.
    pub on_front: bool,
    /// SPEA-II: how many points of the union it dominates.
    pub strength: u64,
    /// SPEA-II: the sum of its dominators' strengths.
    pub raw_fitness: u64,
    /// SPEA-II: `1 / (distance to the k-th neighbour + 2)`.
    pub density: f64,
}
