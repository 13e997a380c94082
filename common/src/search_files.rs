//! The files of a search: `search.json`, `evaluations.jsonl`, `archive.json`.

use crate::board::Board;
use crate::criteria::Criteria;
use crate::dataset::Identity;
use crate::device::Backend;
use crate::genome::Genome;
use crate::json::Document;
use crate::objective::Objective;
use crate::profile::SearchSettings;
use crate::ranges::{
    BYTES, COUNT, ENERGY, LATENCY, MACS, PARAMETERS, PHYSICAL, SHARE, all_within, within,
};
use crate::space::SearchSpace;
use crate::template::Template;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// `search.json`: everything that decides what a search does. Two searches with equal files give
/// equal archives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchConfig {
    /// Seed of the search and of every training in it.
    pub seed: u64,
    /// Name of the data set.
    pub dataset: String,
    /// The fingerprint of the data ([`Identity::sha256`]).
    pub data_sha256: String,
    /// Everything of the data that decides; missing in searches of versions that did not record it.
    #[serde(default)]
    pub data: Option<Identity>,
    /// The design space.
    pub space: SearchSpace,
    /// What the genes leave open.
    pub template: Template,
    /// Population, iterations, fidelity.
    pub search: SearchSettings,
    /// How candidates are trained, as in the profile.
    pub training: crate::profile::TrainingSettings,
    /// What kind of device they are trained on.
    #[serde(default)]
    pub device: Backend,
    /// The board that networks are measured on; `null` where nothing is.
    pub board: Option<Board>,
    /// What ends the search early.
    pub criteria: Criteria,
}

impl Document for SearchConfig {
    const KIND: &'static str = "search";

    fn check(&self) -> Result<()> {
        self.data.iter().try_for_each(Identity::check).context("data")?;
        self.space.check()?;
        self.template.check()?;
        self.search.check()?;
        self.training.check()?;
        self.board.iter().try_for_each(Board::check).context("board")?;
        self.criteria.check().context("criteria")
    }
}

/// One line of `evaluations.jsonl`: one training of one genome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// `i<iteration>-<index>`, also the individual's folder.
    pub id: String,
    /// Iteration of the search, from 0, the initial population.
    pub iteration: usize,
    /// Position in the iteration's population, from 0.
    pub index: usize,
    /// What was evaluated.
    pub genome: Genome,
    /// Trainable parameters.
    pub parameters: u64,
    /// Multiply-adds for one image.
    pub macs: u64,
    /// Bytes of working memory of its crate; `null` where the search has no use for it.
    pub arena_bytes: Option<u64>,
    /// Validation accuracy (0..1), the mean of both where there is a second; `null` where the
    /// training failed.
    pub accuracy: Option<f64>,
    /// Validation accuracy with a second seed (`search.reseed_front`), 0 where that training
    /// failed. This and what was measured comes after the training, so `archive.json` has it, but
    /// not `evaluations.jsonl`.
    pub second_accuracy: Option<f64>,
    /// Median time of one inference; `null` where it was not measured.
    pub latency_s: Option<f64>,
    /// Median energy of one inference, all that the meter saw; `null` where it was not measured.
    pub energy_j: Option<f64>,
    /// The epoch after which it was trained no further, being weak (`search.halving`); `null`
    /// otherwise.
    pub stopped_after: Option<usize>,
    /// Accuracies where the weak are stopped, as far as it came.
    pub rungs: Vec<f64>,
    /// Why there is no accuracy: the network's own doing, never the machine's.
    pub failure: Option<String>,
}

impl Document for Evaluation {
    const KIND: &'static str = "evaluation";

    fn check(&self) -> Result<()> {
        self.genome.check().context("genome")?;
        within("iteration", self.iteration, &COUNT)?;
        within("index", self.index, &COUNT)?;
        within("parameters", self.parameters, &(1..=*PARAMETERS.end()))?;
        within("macs", self.macs, &MACS)?;
        all_within("arena_bytes", self.arena_bytes, &BYTES)?;
        all_within("accuracy", self.accuracy, &SHARE)?;
        all_within("second_accuracy", self.second_accuracy, &SHARE)?;
        all_within("latency_s", self.latency_s, &LATENCY)?;
        all_within("energy_j", self.energy_j, &ENERGY)?;
        all_within("stopped_after", self.stopped_after, &COUNT)?;
        all_within("rungs", self.rungs.iter().copied(), &SHARE)
    }
}

impl Evaluation {
    /// The two minimised objectives of the paper: error and trainable parameters. A failed training
    /// has error 1.
    pub fn objectives(&self) -> [f64; 2] {
        [1.0 - self.accuracy.unwrap_or(0.0), self.parameters as f64]
    }

    /// The value of an objective; `None` where it is not known.
    pub fn objective(&self, objective: Objective) -> Option<f64> {
        match objective {
            Objective::Error => Some(1.0 - self.accuracy.unwrap_or(0.0)),
            Objective::Params => Some(self.parameters as f64),
            Objective::Macs => Some(self.macs as f64),
            Objective::ArenaBytes => self.arena_bytes.map(|bytes| bytes as f64),
            Objective::LatencyS => self.latency_s,
            Objective::EnergyJ => self.energy_j,
        }
    }

    /// Whether it was trained to the end and has an accuracy.
    pub fn in_full(&self) -> bool {
        self.accuracy.is_some() && self.stopped_after.is_none()
    }

    /// Whether more is known of it than the log has.
    pub fn is_revised(&self) -> bool {
        self.second_accuracy.is_some() || self.latency_s.is_some() || self.energy_j.is_some()
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn only_a_torn_last_line_is_dropped() {
        let genome = SearchSpace::default().genome(&[0; crate::space::GENES]);
        let evaluation = |index| Evaluation {
            id: format!("i00-0{index}"),
            iteration: 0,
            index,
            genome,
            parameters: 20_002,
            macs: 1,
            arena_bytes: None,
            accuracy: Some(0.1 + 0.2),
            second_accuracy: None,
            latency_s: None,
            energy_j: None,
            stopped_after: None,
            rungs: vec![],
            failure: None,
        };
        let line = |index| json::to_line(&evaluation(index)).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("evaluations.jsonl");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            json::read_lines::<Evaluation>(&path)
        };
        let both = vec![evaluation(0), evaluation(1)];
        assert_eq!(read("").unwrap(), vec![]);
        assert_eq!(read(&format!("{}\n{}\n", line(0), line(1))).unwrap(), both);
        let third = line(2);
        for end in 0..third.len() {
            assert_eq!(
                read(&format!("{}\n{}\n{}", line(0), line(1), &third[..end])).unwrap(),
                both
            );
        }
        let error = format!(
            "{:#}",
            read(&format!("{}\n{}\n{}\n", line(0), &third[..9], line(1))).unwrap_err()
        );
        assert!(error.contains("evaluations.jsonl: line 2"), "{error}");
    }
}
