//! `evaluations.jsonl`: one line for each training of a genome.

use crate::files::json::Document;
use crate::files::ranges::{COUNT, MACS, PARAMETERS, SHARE, all_within, within};
use crate::network::counts::network_information_density;
use crate::search::board_costs::BoardCosts;
use crate::search::criteria::Criteria;
use crate::search::genome::Genome;
use crate::search::objective::{Objective, Quantity};
use crate::search::requirements::Performance;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The evaluation of a genome by a training: a line of `evaluations.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// ID `i<iteration>-<index>`, also the name of the individual's folder.
    pub id: String,
    /// Iteration of the search, from 0 (the initial population).
    pub iteration: usize,
    /// Position in the iteration's population, from 0.
    pub index: usize,
    /// Genome that was evaluated.
    pub genome: Genome,
    /// Trainable parameters.
    pub parameters: u64,
    /// Multiply-adds for one image.
    pub macs: u64,
    /// Bytes of working memory of its crate; `null` if the search does not need it.
    pub arena_bytes: Option<u64>,
    /// Bytes of constants of its crate and, on a microcontroller, of code; `null` if the search
    /// does not need it.
    #[serde(default)]
    pub flash_bytes: Option<u64>,
    /// Validation accuracy (0..1) of the precision that is searched, the mean of both if there is a second; `null` if the training
    /// failed.
    pub accuracy: Option<f64>,
    /// Validation accuracy with a second seed (`search.reseed_front`), 0 if that training failed.
    /// This and measurements follow later than the training, so they are in `archive.json`, but not
    /// in `evaluations.jsonl`.
    pub second_accuracy: Option<f64>,
    /// Median time of one inference in seconds; `null` if it was not measured.
    pub latency_s: Option<f64>,
    /// Median gross energy of one inference in joules; `null` if it was not measured.
    pub energy_j: Option<f64>,
    /// Average gross power while inferences run, in watts. Left out of files if it was not
    /// measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power_w: Option<f64>,
    /// What the network costs on each of several boards, by name; the fields of the same names here
    /// are `None` then, except for memory that is the same on all. Left out of files if it is empty.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub boards: BTreeMap<String, BoardCosts>,
    /// Epoch after which its training was stopped because it was weak (`search.halving`); `null`
    /// otherwise.
    pub stopped_after: Option<usize>,
    /// Accuracies at the rungs of `search.halving` that it reached.
    pub rungs: Vec<f64>,
    /// Reason why there is no accuracy: a failure of the network itself, never of the machine.
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
        all_within("accuracy", self.accuracy, &SHARE)?;
        all_within("second_accuracy", self.second_accuracy, &SHARE)?;
        self.costs(None).check()?;
        for (board, costs) in &self.boards {
            costs.check().with_context(|| format!("boards.{board}"))?;
        }
        all_within("stopped_after", self.stopped_after, &COUNT)?;
        all_within("rungs", self.rungs.iter().copied(), &SHARE)
    }
}

impl Evaluation {
    /// Returns the two objectives of the paper, which are minimised: error and trainable
    /// parameters. A failed training has error 1.
    pub fn objectives(&self) -> [f64; 2] {
        [1.0 - self.accuracy.unwrap_or(0.0), self.parameters as f64]
    }

    /// Returns what the network costs on a board of several, as far as it is known; `None` names
    /// the only board, or none.
    pub fn costs(&self, board: Option<&str>) -> BoardCosts {
        let Evaluation { arena_bytes, flash_bytes, latency_s, energy_j, power_w, .. } = *self;
        let only = BoardCosts { arena_bytes, flash_bytes, latency_s, energy_j, power_w };
        board.map_or(only, |board| self.boards.get(board).copied().unwrap_or_default())
    }

    /// Returns the value of an objective; `None` if it is not known.
    pub fn objective(&self, objective: &Objective) -> Option<f64> {
        let costs = self.costs(objective.board.as_deref());
        match objective.what {
            Quantity::Error => Some(1.0 - self.accuracy.unwrap_or(0.0)),
            Quantity::Params => Some(self.parameters as f64),
            Quantity::Macs => Some(self.macs as f64),
            Quantity::ArenaBytes => costs.arena_bytes.map(|bytes| bytes as f64),
            Quantity::FlashBytes => costs.flash_bytes.map(|bytes| bytes as f64),
            Quantity::LatencyS => costs.latency_s,
            Quantity::EnergyJ => costs.energy_j,
        }
    }

    /// Returns whether the genome was fully trained and meets every criterion.
    pub fn meets(&self, criteria: &Criteria) -> bool {
        let met = |board: Option<&str>| {
            let BoardCosts { latency_s, energy_j, power_w, .. } = self.costs(board);
            let known = Performance { accuracy: self.accuracy, latency_s, energy_j, power_w };
            criteria.on(board).met_by(&known)
        };
        let boards = criteria.on_boards.keys();
        self.is_fully_trained() && met(None) && boards.into_iter().all(|board| met(Some(board)))
    }

    /// Returns whether the genome was trained to the end and has an accuracy.
    pub fn is_fully_trained(&self) -> bool {
        self.accuracy.is_some() && self.stopped_after.is_none()
    }

    /// Returns the Score, accuracy per million parameters (paper, Eq. 1, NID); `None` for a training
    /// that failed or was stopped early.
    pub fn score(&self) -> Option<f64> {
        let accuracy = self.accuracy.filter(|_| self.is_fully_trained())?;
        Some(network_information_density(accuracy, self.parameters))
    }

    /// Returns whether there are results that are not in `evaluations.jsonl`.
    pub fn is_revised(&self) -> bool {
        let is_measured = |costs: &BoardCosts| costs.latency_s.or(costs.energy_j).is_some();
        self.second_accuracy.is_some()
            || is_measured(&self.costs(None))
            || self.boards.values().any(is_measured)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::json;
    use crate::search::requirements::Requirements;
    use crate::search::space::SearchSpace;

    #[test]
    fn only_an_incomplete_last_line_is_dropped() {
        let genome = SearchSpace::default().genome(&[0; crate::search::space::GENES]);
        let evaluation = |index| Evaluation {
            id: format!("i00-0{index}"),
            iteration: 0,
            index,
            genome,
            parameters: 20_002,
            macs: 1,
            arena_bytes: None,
            flash_bytes: None,
            accuracy: Some(0.1 + 0.2),
            second_accuracy: None,
            latency_s: None,
            energy_j: None,
            power_w: None,
            boards: BTreeMap::new(),
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

    #[test]
    fn stopped_and_failed_trainings_meet_no_requirements() {
        let trained = Evaluation {
            id: "i00-00".into(),
            iteration: 0,
            index: 0,
            genome: SearchSpace::default().genome(&[0; crate::search::space::GENES]),
            parameters: 1,
            macs: 1,
            arena_bytes: None,
            flash_bytes: None,
            accuracy: Some(0.9),
            second_accuracy: None,
            latency_s: Some(0.001),
            energy_j: None,
            power_w: None,
            boards: BTreeMap::new(),
            stopped_after: None,
            rungs: vec![],
            failure: None,
        };
        let general = Requirements { min_accuracy: Some(0.0), ..Requirements::default() };
        let required = Criteria { general, ..Criteria::default() };
        assert!(trained.meets(&required));
        assert!(!Evaluation { stopped_after: Some(1), ..trained.clone() }.meets(&required));
        assert!(!Evaluation { accuracy: None, ..trained }.meets(&required));
    }
}
