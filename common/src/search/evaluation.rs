//! `evaluations.jsonl`: one line for each training of a genome.

use crate::files::json::Document;
use crate::files::ranges::{
    BYTES, COUNT, ENERGY, LATENCY, MACS, PARAMETERS, PHYSICAL, SHARE, all_within, within,
};
use crate::network::counts::network_information_density;
use crate::search::genome::Genome;
use crate::search::objective::Objective;
use crate::search::requirements::{Performance, Requirements};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

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
        all_within("arena_bytes", self.arena_bytes, &BYTES)?;
        all_within("flash_bytes", self.flash_bytes, &BYTES)?;
        all_within("accuracy", self.accuracy, &SHARE)?;
        all_within("second_accuracy", self.second_accuracy, &SHARE)?;
        all_within("latency_s", self.latency_s, &LATENCY)?;
        all_within("energy_j", self.energy_j, &ENERGY)?;
        all_within("power_w", self.power_w, &PHYSICAL)?;
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

    /// Returns the value of an objective; `None` if it is not known.
    pub fn objective(&self, objective: Objective) -> Option<f64> {
        match objective {
            Objective::Error => Some(1.0 - self.accuracy.unwrap_or(0.0)),
            Objective::Params => Some(self.parameters as f64),
            Objective::Macs => Some(self.macs as f64),
            Objective::ArenaBytes => self.arena_bytes.map(|bytes| bytes as f64),
            Objective::FlashBytes => self.flash_bytes.map(|bytes| bytes as f64),
            Objective::LatencyS => self.latency_s,
            Objective::EnergyJ => self.energy_j,
        }
    }

    /// Returns whether the genome was fully trained and meets every requirement.
    pub fn meets(&self, requirements: &Requirements) -> bool {
        let Evaluation { accuracy, latency_s, energy_j, power_w, .. } = *self;
        self.is_fully_trained()
            && requirements.met_by(&Performance { accuracy, latency_s, energy_j, power_w })
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
        self.second_accuracy.is_some() || self.latency_s.is_some() || self.energy_j.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::json;
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
            stopped_after: None,
            rungs: vec![],
            failure: None,
        };
        let required = Requirements { min_accuracy: Some(0.0), ..Requirements::default() };
        assert!(trained.meets(&required));
        assert!(!Evaluation { stopped_after: Some(1), ..trained.clone() }.meets(&required));
        assert!(!Evaluation { accuracy: None, ..trained }.meets(&required));
    }
}
