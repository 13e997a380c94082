//! `prune.json`: the result of pruning.

use crate::files::json::Document;
use crate::files::ranges::{COUNT, MACS, PARAMETERS, PHYSICAL, SECONDS, SHARE, all_within, within};
use crate::measurement::Measurement;
use crate::profile::{Allocation, PruneMethod, PrunePart};
use crate::search::requirements::{Performance, Requirements, time_and_energy};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;

/// The reason for which the rounds ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PruneEnd {
    /// One more filter would exceed the cap.
    Cap,
    /// All rounds were completed before the cap was reached.
    Iterations,
    /// Every prunable convolution was down to one filter before the cap was reached.
    Filters,
    /// The crate meets the target on the board.
    Target,
}

impl fmt::Display for PruneEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PruneEnd::Cap => "one more filter would exceed the cap",
            PruneEnd::Iterations => "all iterations are used up",
            PruneEnd::Filters => "every prunable convolution is down to one filter",
            PruneEnd::Target => "the target is met",
        })
    }
}

/// The report of pruning (`prune.json`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PruneReport {
    /// Method that chose the filters.
    pub method: PruneMethod,
    /// Allocation of the removed filters to convolutions.
    pub choose: Allocation,
    /// Convolutions that were pruned besides those that always are.
    pub also: Vec<PrunePart>,
    /// Seed of the clustering and of each round's fine-tuning.
    pub seed: u64,
    /// Maximum share of the trainable parameters that may be removed.
    pub cap: f64,
    /// Share of a convolution's filters that is kept in each round.
    pub cluster_factor: f64,
    /// Maximum number of rounds.
    pub iterations: usize,
    /// Epochs of fine-tuning after each round.
    pub finetune_epochs: usize,
    /// Learning rate of fine-tuning as a share of that of training.
    pub finetune_rate: f64,
    /// Trainable parameters before pruning.
    pub parameters_before: u64,
    /// Trainable parameters after pruning.
    pub parameters_after: u64,
    /// Share of the parameters that was removed: `(before - after) / before`.
    pub removed: f64,
    /// Multiply-adds before pruning.
    pub macs_before: u64,
    /// Multiply-adds after pruning.
    pub macs_after: u64,
    /// Validation accuracy before pruning.
    pub accuracy_before: f64,
    /// `true` if the cap was reached to within one filter.
    pub cap_reached: bool,
    /// Reason for which the rounds ended.
    pub ended: PruneEnd,
    /// One entry per round.
    pub rounds: Vec<PruneRound>,
    /// One entry per convolution, in the order of the network.
    pub widths: Vec<PruneWidth>,
    /// Measurements of the generated crates on a board; `null` if no board was named.
    pub measured: Option<PruneMeasured>,
}

impl PruneReport {
    /// Returns a sentence about the reason for which the rounds ended and a target that was not
    /// met.
    pub fn end(&self) -> String {
        match self.missed_target() {
            Some(measured) => {
                format!("{}; the target on {} is not met", self.ended, measured.board)
            }
            None => self.ended.to_string(),
        }
    }

    /// Returns the measurements of a run whose target was not met; `None` if it was met or there
    /// was none.
    pub fn missed_target(&self) -> Option<&PruneMeasured> {
        self.measured
            .as_ref()
            .filter(|measured| measured.target.any() && self.ended != PruneEnd::Target)
    }
}

/// The measurements of the crates of all rounds on a board. Only here do two equal runs differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PruneMeasured {
    /// Name of the board.
    pub board: String,
    /// Target: a latency, an energy or both.
    #[serde(with = "target")]
    pub target: Requirements,
    /// Crates of the network before pruning and after each round.
    pub crates: Vec<PruneCrate>,
}

/// The measurement of one crate, for one inference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PruneCrate {
    /// SHA-256 over the files of the crate, as in its record.
    pub crate_sha256: String,
    /// Median time in seconds.
    pub latency_s: f64,
    /// Bootstrap 95 % interval of it.
    pub latency_interval_s: [f64; 2],
    /// Median gross energy in joules.
    pub energy_j: Option<f64>,
    /// Bootstrap 95 % interval of it.
    pub energy_interval_j: Option<[f64; 2]>,
    /// Reason why there is no energy; `null` if there is one.
    pub energy_reason: Option<String>,
}

impl PruneCrate {
    /// Returns whether there are requirements and the crate meets them. An unknown energy meets
    /// none.
    pub fn meets(&self, target: &Requirements) -> bool {
        let known = Performance {
            accuracy: None,
            latency_s: Some(self.latency_s),
            energy_j: self.energy_j,
            power_w: None,
        };
        target.any() && target.met_by(&known)
    }

    /// Returns the numbers of a record.
    pub fn of(record: &Measurement) -> PruneCrate {
        PruneCrate {
            crate_sha256: record.ran.crate_sha256.clone(),
            latency_s: record.latency.p50_s,
            latency_interval_s: record.latency.p50_interval_s,
            energy_j: record.energy.gross_j,
            energy_interval_j: record.energy.gross_interval_j,
            energy_reason: record.energy.reason.clone(),
        }
    }
}

impl fmt::Display for PruneCrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&time_and_energy(Some(self.latency_s), self.energy_j))
    }
}

/// The numbers of filters of a convolution before and after pruning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PruneWidth {
    /// Name of the convolution.
    pub convolution: String,
    /// Filters before pruning.
    pub before: usize,
    /// Filters after pruning.
    pub after: usize,
}

/// A round of pruning and fine-tuning.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PruneRound {
    /// Number of the round, from 1.
    pub round: usize,
    /// Filters removed in this round.
    pub filters_removed: usize,
    /// Trainable parameters after this round.
    pub parameters: u64,
    /// Share of the original network's parameters removed so far.
    pub removed: f64,
    /// Validation accuracy of the pruned network before fine-tuning, with the old statistics of
    /// batch normalisation.
    pub accuracy_untuned: f64,
    /// Validation accuracy after fine-tuning.
    pub accuracy: f64,
}

impl Document for PruneReport {
    const KIND: &'static str = "prune";

    fn check(&self) -> Result<()> {
        for (key, share) in [
            ("cap", self.cap),
            ("cluster_factor", self.cluster_factor),
            ("finetune_rate", self.finetune_rate),
            ("removed", self.removed),
            ("accuracy_before", self.accuracy_before),
        ] {
            within(key, share, &SHARE)?;
        }
        within("iterations", self.iterations, &COUNT)?;
        within("finetune_epochs", self.finetune_epochs, &COUNT)?;
        check_pair("parameters", self.parameters_before, self.parameters_after, &PARAMETERS)?;
        check_pair("macs", self.macs_before, self.macs_after, &MACS)?;
        for (index, round) in self.rounds.iter().enumerate() {
            round.check().with_context(|| format!("rounds[{index}]"))?;
        }
        for (index, width) in self.widths.iter().enumerate() {
            within(&format!("widths[{index}].before"), width.before, &COUNT)?;
            within(&format!("widths[{index}].after"), width.after, &(0..=width.before))?;
        }
        self.measured.iter().try_for_each(PruneMeasured::check).context("measured")
    }
}

/// Checks that the number before pruning is positive, and that the number after it is not larger.
fn check_pair(what: &str, before: u64, after: u64, range: &RangeInclusive<u64>) -> Result<()> {
    within(&format!("{what}_before"), before, &(1..=*range.end()))?;
    within(&format!("{what}_after"), after, &(0..=before))
}

impl PruneRound {
    fn check(&self) -> Result<()> {
        within("round", self.round, &COUNT)?;
        within("filters_removed", self.filters_removed, &COUNT)?;
        within("parameters", self.parameters, &PARAMETERS)?;
        within("removed", self.removed, &SHARE)?;
        within("accuracy_untuned", self.accuracy_untuned, &SHARE)?;
        within("accuracy", self.accuracy, &SHARE)
    }
}

impl PruneMeasured {
    fn check(&self) -> Result<()> {
        self.target.check().context("target")?;
        for (index, measured) in self.crates.iter().enumerate() {
            measured.check().with_context(|| format!("crates[{index}]"))?;
        }
        Ok(())
    }
}

impl PruneCrate {
    fn check(&self) -> Result<()> {
        within("latency_s", self.latency_s, &SECONDS)?;
        all_within("latency_interval_s", self.latency_interval_s, &SECONDS)?;
        all_within("energy_j", self.energy_j, &PHYSICAL)?;
        all_within("energy_interval_j", self.energy_interval_j.into_iter().flatten(), &PHYSICAL)
    }
}

/// The JSON form of the target in `prune.json`.
mod target {
    use super::Requirements;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Target {
        latency_s: Option<f64>,
        energy_j: Option<f64>,
    }

    pub(super) fn serialize<S: Serializer>(
        target: &Requirements,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        Target { latency_s: target.max_latency_s, energy_j: target.max_energy_j }
            .serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Requirements, D::Error> {
        let Target { latency_s, energy_j } = Target::deserialize(deserializer)?;
        let (max_latency_s, max_energy_j) = (latency_s, energy_j);
        Ok(Requirements { max_latency_s, max_energy_j, ..Requirements::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(latency_s: f64, energy_j: Option<f64>) -> PruneCrate {
        PruneCrate {
            crate_sha256: String::new(),
            latency_s,
            latency_interval_s: [latency_s; 2],
            energy_j,
            energy_interval_j: None,
            energy_reason: None,
        }
    }

    #[test]
    fn a_target_is_met_if_all_its_limits_are() {
        let target = |max_latency_s, max_energy_j| Requirements {
            max_latency_s,
            max_energy_j,
            ..Requirements::default()
        };
        let met = |target: Requirements| measured(1e-3, Some(2e-3)).meets(&target);
        assert!(
            met(target(Some(1e-3), None))
                && met(target(None, Some(2e-3)))
                && met(target(Some(1.0), Some(1.0)))
        );
        assert!(!met(target(Some(0.9e-3), None)) && !met(target(Some(1.0), Some(1.9e-3))));
        assert!(!met(Requirements::default()), "without a target there is nothing to meet");
        assert!(
            !measured(1e-3, None).meets(&target(None, Some(1.0))),
            "an unknown energy meets nothing"
        );
        for wrong in [
            target(Some(0.0), None),
            target(None, Some(f64::NAN)),
            target(Some(f64::INFINITY), None),
        ] {
            assert!(wrong.check().is_err());
        }
    }

    #[test]
    fn times_and_energies_have_four_significant_digits() {
        assert_eq!(measured(1.23456e-4, None).to_string(), "0.1235 ms");
        assert_eq!(measured(2.0, Some(0.00512)).to_string(), "2000 ms and 5.120 mJ");
        assert_eq!(
            Requirements { max_energy_j: Some(1e-6), ..Requirements::default() }.to_string(),
            "0.001000 mJ"
        );
    }

    #[test]
    fn names_are_the_same_in_files_and_options() {
        for method in PruneMethod::ALL {
            assert_eq!(serde_json::to_string(&method).unwrap(), format!("\"{}\"", method.name()));
        }
        for choose in Allocation::ALL {
            assert_eq!(serde_json::to_string(&choose).unwrap(), format!("\"{}\"", choose.name()));
        }
        for part in PrunePart::ALL {
            assert_eq!(serde_json::to_string(&part).unwrap(), format!("\"{}\"", part.name()));
        }
    }
}
