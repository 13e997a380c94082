//! What a user asks of a network: criteria that end a search (paper, section 4.1).

use crate::files::ranges::{PHYSICAL, SECONDS, all_within};
use crate::search::evaluation::Evaluation;
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// What one individual must meet for the search to end; all `null` for a search to the last
/// iteration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Criteria {
    /// Lowest validation accuracy (0..1).
    pub min_accuracy: Option<f64>,
    /// Longest median time of one inference.
    pub max_latency_s: Option<f64>,
    /// Highest median energy of one inference, all that the meter sees.
    pub max_energy_j: Option<f64>,
}

impl Criteria {
    /// Whether there is any.
    pub fn any(&self) -> bool {
        self.min_accuracy.is_some() || self.max_latency_s.is_some() || self.max_energy_j.is_some()
    }

    /// Whether an evaluation in full meets each of them; what was not measured meets none.
    pub fn met_by(&self, evaluation: &Evaluation) -> bool {
        let most = |limit: Option<f64>, value: Option<f64>| {
            limit.is_none_or(|limit| value.is_some_and(|v| v <= limit))
        };
        let accurate = |least| evaluation.accuracy.is_some_and(|accuracy| accuracy >= least);
        evaluation.in_full()
            && self.min_accuracy.is_none_or(accurate)
            && most(self.max_latency_s, evaluation.latency_s)
            && most(self.max_energy_j, evaluation.energy_j)
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// The criterion that no network could meet or miss.
    pub fn check(&self) -> Result<()> {
        let accuracy = self.min_accuracy.is_none_or(|least| (0.0..=1.0).contains(&least));
        ensure!(accuracy, "min_accuracy: the least accuracy must be between 0 and 1");
        let above_0 = |limit: Option<f64>| limit.is_none_or(|most| most.is_finite() && most > 0.0);
        ensure!(above_0(self.max_latency_s), "the longest latency must be above 0 seconds");
        ensure!(above_0(self.max_energy_j), "the highest energy must be above 0 joules");
        all_within("max_latency_s", self.max_latency_s, &SECONDS)?;
        all_within("max_energy_j", self.max_energy_j, &PHYSICAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::space::{GENES, SearchSpace};

    fn evaluation() -> Evaluation {
        Evaluation {
            id: "i00-00".into(),
            iteration: 0,
            index: 0,
            genome: SearchSpace::default().genome(&[0; GENES]),
            parameters: 1,
            macs: 1,
            arena_bytes: None,
            accuracy: Some(0.9),
            second_accuracy: None,
            latency_s: Some(0.001),
            energy_j: None,
            stopped_after: None,
            rungs: vec![],
            failure: None,
        }
    }

    #[test]
    fn each_criterion_must_be_met() {
        let met = |accuracy, latency, energy| {
            let criteria =
                Criteria { min_accuracy: accuracy, max_latency_s: latency, max_energy_j: energy };
            criteria.met_by(&evaluation())
        };
        assert!(met(Some(0.9), Some(0.001), None));
        assert!(met(None, Some(0.001), None));
        assert!(!met(Some(0.91), Some(0.001), None));
        assert!(!met(Some(0.9), Some(0.0009), None));
        assert!(
            !met(Some(0.9), Some(0.001), Some(1.0)),
            "an energy that was not measured meets nothing"
        );
    }

    #[test]
    fn a_training_that_was_stopped_or_failed_has_not_shown_its_accuracy() {
        let criteria = Criteria { min_accuracy: Some(0.0), ..Criteria::default() };
        assert!(criteria.met_by(&evaluation()));
        assert!(!criteria.met_by(&Evaluation { stopped_after: Some(1), ..evaluation() }));
        assert!(!criteria.met_by(&Evaluation { accuracy: None, ..evaluation() }));
    }

    #[test]
    fn impossible_criteria_are_refused() {
        let criteria = |accuracy, latency, energy| Criteria {
            min_accuracy: Some(accuracy),
            max_latency_s: Some(latency),
            max_energy_j: Some(energy),
        };
        criteria(0.9, 1e-3, 1e-3).check().unwrap();
        for wrong in
            [criteria(1.1, 1.0, 1.0), criteria(-0.1, 1.0, 1.0), criteria(f64::NAN, 1.0, 1.0)]
        {
            assert!(wrong.check().is_err());
        }
        for wrong in [
            criteria(0.9, 0.0, 1.0),
            criteria(0.9, 1.0, f64::INFINITY),
            criteria(0.9, f64::NAN, 1.0),
        ] {
            assert!(wrong.check().is_err());
        }
    }
}
