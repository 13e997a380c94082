//! Requirements on a network: criteria that end a search (paper, section 4.1), and targets that end
//! pruning.

use crate::files::ranges::{PHYSICAL, SECONDS, all_within};
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The limits that a network must meet; all are `null` if nothing is required.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirements {
    /// Minimum validation accuracy (0..1).
    pub min_accuracy: Option<f64>,
    /// Maximum median time of one inference, in seconds.
    pub max_latency_s: Option<f64>,
    /// Maximum median gross energy of one inference, in joules.
    pub max_energy_j: Option<f64>,
    /// Maximum average gross power while inferences run, in watts. Left out of files if there is
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_power_w: Option<f64>,
}

/// The known performance of a network, to compare with requirements.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Performance {
    /// Validation accuracy (0..1).
    pub accuracy: Option<f64>,
    /// Median time of one inference, in seconds.
    pub latency_s: Option<f64>,
    /// Median gross energy of one inference, in joules.
    pub energy_j: Option<f64>,
    /// Average gross power while inferences run, in watts.
    pub power_w: Option<f64>,
}

impl Requirements {
    /// Returns whether anything is required.
    pub fn any(&self) -> bool {
        let Requirements { min_accuracy, max_latency_s, max_energy_j, max_power_w } = *self;
        [min_accuracy, max_latency_s, max_energy_j, max_power_w].iter().any(Option::is_some)
    }

    /// Returns these requirements, and those of `others` on what these leave open.
    pub fn or(&self, others: &Requirements) -> Requirements {
        Requirements {
            min_accuracy: self.min_accuracy.or(others.min_accuracy),
            max_latency_s: self.max_latency_s.or(others.max_latency_s),
            max_energy_j: self.max_energy_j.or(others.max_energy_j),
            max_power_w: self.max_power_w.or(others.max_power_w),
        }
    }

    /// Returns whether a network meets every requirement. An unknown number meets none.
    pub fn met_by(&self, known: &Performance) -> bool {
        let below = |limit: Option<f64>, value: Option<f64>| {
            limit.is_none_or(|limit| value.is_some_and(|value| value <= limit))
        };
        let accurate = |least| known.accuracy.is_some_and(|accuracy| accuracy >= least);
        self.min_accuracy.is_none_or(accurate)
            && below(self.max_latency_s, known.latency_s)
            && below(self.max_energy_j, known.energy_j)
            && below(self.max_power_w, known.power_w)
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// Fails if a limit is not a positive, finite number, or if the accuracy is not in 0..1.
    pub fn check(&self) -> Result<()> {
        let accuracy = self.min_accuracy.is_none_or(|least| (0.0..=1.0).contains(&least));
        ensure!(accuracy, "min_accuracy: the least accuracy must be between 0 and 1");
        let above_0 = |limit: Option<f64>| limit.is_none_or(|most| most.is_finite() && most > 0.0);
        ensure!(
            above_0(self.max_latency_s),
            "max_latency_s: the longest latency must be above 0 seconds"
        );
        ensure!(
            above_0(self.max_energy_j),
            "max_energy_j: the highest energy must be above 0 joules"
        );
        ensure!(above_0(self.max_power_w), "max_power_w: the highest power must be above 0 watts");
        all_within("max_latency_s", self.max_latency_s, &SECONDS)?;
        all_within("max_energy_j", self.max_energy_j, &PHYSICAL)?;
        all_within("max_power_w", self.max_power_w, &PHYSICAL)
    }
}

impl fmt::Display for Requirements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&time_and_energy(self.max_latency_s, self.max_energy_j))
    }
}

/// Returns a text in milliseconds and millijoules, without values that are `None`.
pub(crate) fn time_and_energy(latency_s: Option<f64>, energy_j: Option<f64>) -> String {
    let latency = latency_s.map(|seconds| format!("{} ms", four_significant_digits(1e3 * seconds)));
    let energy = energy_j.map(|joules| format!("{} mJ", four_significant_digits(1e3 * joules)));
    latency.into_iter().chain(energy).collect::<Vec<_>>().join(" and ")
}

/// Returns a positive number with four significant digits.
fn four_significant_digits(value: f64) -> String {
    let decimals = (3.0 - value.log10().floor()).clamp(0.0, 12.0) as usize;
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_requirement_must_be_met() {
        let known = Performance {
            accuracy: Some(0.9),
            latency_s: Some(0.001),
            energy_j: None,
            power_w: Some(3.0),
        };
        let met = |min_accuracy, max_latency_s, max_energy_j, max_power_w| {
            Requirements { min_accuracy, max_latency_s, max_energy_j, max_power_w }.met_by(&known)
        };
        assert!(met(Some(0.9), Some(0.001), None, Some(3.0)));
        assert!(met(None, Some(0.001), None, None));
        assert!(!met(Some(0.91), Some(0.001), None, None));
        assert!(!met(Some(0.9), Some(0.0009), None, None));
        assert!(!met(Some(0.9), Some(0.001), None, Some(2.9)));
        assert!(
            !met(Some(0.9), Some(0.001), Some(1.0), None),
            "an energy that was not measured meets nothing"
        );
    }

    #[test]
    fn impossible_requirements_are_refused() {
        let required = |accuracy, latency, energy, power| Requirements {
            min_accuracy: Some(accuracy),
            max_latency_s: Some(latency),
            max_energy_j: Some(energy),
            max_power_w: Some(power),
        };
        required(0.9, 1e-3, 1e-3, 1e-3).check().unwrap();
        for wrong in [
            required(1.1, 1.0, 1.0, 1.0),
            required(-0.1, 1.0, 1.0, 1.0),
            required(f64::NAN, 1.0, 1.0, 1.0),
            required(0.9, 0.0, 1.0, 1.0),
            required(0.9, 1.0, f64::INFINITY, 1.0),
            required(0.9, f64::NAN, 1.0, 1.0),
            required(0.9, 1.0, 1.0, 0.0),
            required(0.9, 1.0, 1.0, f64::INFINITY),
        ] {
            assert!(wrong.check().is_err());
        }
    }

    #[test]
    fn a_power_that_is_not_limited_is_left_out_of_files() {
        let older = r#"{"min_accuracy":0.9,"max_latency_s":null,"max_energy_j":null}"#;
        let requirements: Requirements = serde_json::from_str(older).unwrap();
        assert_eq!(serde_json::to_string(&requirements).unwrap(), older);
        let limited = Requirements { max_power_w: Some(2.5), ..requirements };
        let text = serde_json::to_string(&limited).unwrap();
        assert!(text.contains(r#""max_power_w":2.5"#), "{text}");
    }
}
