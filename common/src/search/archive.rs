//! `archive.json`: the archive after the last finished iteration.

use crate::files::json::Document;
use crate::files::ranges::{COUNT, PHYSICAL, SHARE, all_within, within};
use crate::search::evaluation::Evaluation;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// The archive of a search after its last finished iteration (`archive.json`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// Finished iterations, including the initial population.
    pub iterations: usize,
    /// Number of evaluations.
    pub evaluations: usize,
    /// ID of the individual that ended the search because it meets all criteria; `null` if none
    /// does or there are no criteria.
    pub criteria_met_by: Option<String>,
    /// Members of the archive, sorted by parameters and then error.
    pub individuals: Vec<Individual>,
    /// Evaluations outside the archive with results that are not in `evaluations.jsonl`: a second
    /// seed, a measurement.
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
        // Both are below the square of the number of individuals.
        within("strength", self.strength, &(0..=1 << 60))?;
        within("raw_fitness", self.raw_fitness, &(0..=1 << 60))?;
        within("density", self.density, &SHARE)
    }
}

/// A member of the archive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Individual {
    /// Evaluation of the genome.
    pub evaluation: Evaluation,
    /// Accuracy per million parameters; `null` if the training failed.
    pub nid: Option<f64>,
    /// `true` if no fully trained individual dominates it; always `false` for a failed or stopped
    /// training.
    pub on_front: bool,
    /// SPEA-II: number of points of the union that it dominates.
    pub strength: u64,
    /// SPEA-II: sum of its dominators' strengths.
    pub raw_fitness: u64,
    /// SPEA-II: `1 / (distance to the k-th neighbour + 2)`.
    pub density: f64,
}
