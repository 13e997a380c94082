//! `prune.json`: what pruning removed and what it cost.

use crate::json::Document;
use crate::measurement::Measurement;
use crate::ranges::{COUNT, MACS, PARAMETERS, PHYSICAL, SECONDS, SHARE, all_within, within};
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;

/// How the filters that stay are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PruneMethod {
    /// k-means++ clusters; the filter nearest to each centre stays (paper, section 4.2).
    Kmeans,
    /// The filters with the largest sum of absolute weights stay.
    L1,
    /// Filters drawn at random stay.
    Random,
}

impl PruneMethod {
    /// All three, the paper's first.
    pub const ALL: [PruneMethod; 3] = [PruneMethod::Kmeans, PruneMethod::L1, PruneMethod::Random];

    /// The name used in files and options.
    pub fn name(self) -> &'static str {
        match self {
            PruneMethod::Kmeans => "kmeans",
            PruneMethod::L1 => "l1",
            PruneMethod::Random => "random",
        }
    }
}

/// How the convolutions share what goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Allocation {
    /// Each gives its share in each round (paper, section 4.2).
    #[default]
    Uniform,
    /// Their filters compete in one list, by importance per parameter of a filter.
    Global,
}

impl Allocation {
    /// Both, the paper's first.
    pub const ALL: [Allocation; 2] = [Allocation::Uniform, Allocation::Global];

    /// The name used in files and options.
    pub fn name(self) -> &'static str {
        match self {
            Allocation::Uniform => "uniform",
            Allocation::Global => "global",
        }
    }
}

/// Convolutions that are pruned on request only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PrunePart {
    /// The convolution that reads the image.
    Stem,
    /// The convolutions before a pooling.
    Transitions,
}

impl PrunePart {
    /// Both.
    pub const ALL: [PrunePart; 2] = [PrunePart::Stem, PrunePart::Transitions];

    /// The name used in files and options.
    pub fn name(self) -> &'static str {
        match self {
            PrunePart::Stem => "stem",
            PrunePart::Transitions => "transitions",
        }
    }
}

/// Why the rounds ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PruneEnd {
    /// One more filter would exceed the cap.
    Cap,
    /// All rounds were done before the cap was reached.
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

/// `prune.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PruneReport {
    /// How filters were chosen.
    pub method: PruneMethod,
    /// How the convolutions shared what went.
    pub choose: Allocation,
    /// What was pruned besides the convolutions that always are.
    pub also: Vec<PrunePart>,
    /// Seed of the clustering and of each round's fine-tuning.
    pub seed: u64,
    /// Largest share of the trainable parameters that may go.
    pub cap: f64,
    /// Share of a convolution's filters that stay in each round.
    pub cluster_factor: f64,
    /// Most rounds.
    pub iterations: usize,
    /// Epochs of fine-tuning after each round.
    pub finetune_epochs: usize,
    /// Fine-tuning's learning rate as a share of that of training.
    pub finetune_rate: f64,
    /// Trainable parameters before.
    pub parameters_before: u64,
    /// Trainable parameters after.
    pub parameters_after: u64,
    /// `(before - after) / before`.
    pub removed: f64,
    /// Multiply-adds before.
    pub macs_before: u64,
    /// Multiply-adds after.
    pub macs_after: u64,
    /// Validation accuracy before.
    pub accuracy_before: f64,
    /// Whether the cap was reached to within one filter.
    pub cap_reached: bool,
    /// Why the rounds ended.
    pub ended: PruneEnd,
    /// One entry per round.
    pub rounds: Vec<PruneRound>,
    /// One entry per convolution, in the order of the network.
    pub widths: Vec<PruneWidth>,
    /// What the generated crates took on a board; `null` where none was named.
    pub measured: Option<PruneMeasured>,
}

impl PruneReport {
    /// Why the rounds ended, in words, with a target that they did not reach.
    pub fn end(&self) -> String {
        match self.missed_target() {
            Some(measured) => {
                format!("{}; the target on {} is not met", self.ended, measured.board)
            }
            None => self.ended.to_string(),
        }
    }

    /// What was measured on the way to a target that was not met; `None` where it was met or there
    /// was none.
    pub fn missed_target(&self) -> Option<&PruneMeasured> {
        self.measured
            .as_ref()
            .filter(|measured| measured.target.any() && self.ended != PruneEnd::Target)
    }
}

/// The crates of the rounds on a board. All that differs from run to run is in here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PruneMeasured {
    /// The board's name.
    pub board: String,
    /// What was asked for.
    pub target: PruneTarget,
    /// That of the network before pruning, then one of each round.
    pub crates: Vec<PruneCrate>,
}

/// What the crate of a pruned network shall need at most for an inference; pruning ends once all
/// that is given is met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PruneTarget {
    /// Median time.
    pub latency_s: Option<f64>,
    /// Median energy, all that the meter sees.
    pub energy_j: Option<f64>,
}

impl PruneTarget {
    /// Whether there is one.
    pub fn any(&self) -> bool {
        self.latency_s.is_some() || self.energy_j.is_some()
    }

    /// Whether there is one and a crate meets it; an energy that was not measured meets none.
    pub fn met_by(&self, measured: &PruneCrate) -> bool {
        let energy = |most| measured.energy_j.is_some_and(|energy| energy <= most);
        self.any()
            && self.latency_s.is_none_or(|most| measured.latency_s <= most)
            && self.energy_j.is_none_or(energy)
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// The target that no crate could meet.
    pub fn check(&self) -> Result<()> {
        let above_0 = |limit: Option<f64>| limit.is_none_or(|most| most.is_finite() && most > 0.0);
        ensure!(above_0(self.latency_s), "the latency that is asked for must be above 0 seconds");
        ensure!(above_0(self.energy_j), "the energy that is asked for must be above 0 joules");
        all_within("latency_s", self.latency_s, &SECONDS)?;
        all_within("energy_j", self.energy_j, &PHYSICAL)
    }
}

/// What one crate took for an inference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PruneCrate {
    /// SHA-256 over its files, as in its record.
    pub crate_sha256: String,
    /// Median time.
    pub latency_s: f64,
    /// Its bootstrap 95 % interval.
    pub latency_interval_s: [f64; 2],
    /// Median energy, all that the meter saw.
    pub energy_j: Option<f64>,
    /// Its bootstrap 95 % interval.
    pub energy_interval_j: Option<[f64; 2]>,
    /// Why there is no energy; `null` where there is.
    pub energy_reason: Option<String>,
}

impl PruneCrate {
    /// What a record says.
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

impl fmt::Display for PruneTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&needs(self.latency_s, self.energy_j))
    }
}

impl fmt::Display for PruneCrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&needs(Some(self.latency_s), self.energy_j))
    }
}

/// Milliseconds and millijoules, those that are known.
fn needs(latency_s: Option<f64>, energy_j: Option<f64>) -> String {
    let latency = latency_s.map(|seconds| format!("{} ms", four_digits(1e3 * seconds)));
    let energy = energy_j.map(|joules| format!("{} mJ", four_digits(1e3 * joules)));
    latency.into_iter().chain(energy).collect::<Vec<_>>().join(" and ")
}

/// A number above 0 with four digits that count.
fn four_digits(value: f64) -> String {
    let decimals = (3.0 - value.log10().floor()).clamp(0.0, 12.0) as usize;
    format!("{value:.decimals$}")
}

/// How many filters a convolution had and has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PruneWidth {
    /// Its name.
    pub convolution: String,
    /// Filters before pruning.
    pub before: usize,
    /// Filters after it.
    pub after: usize,
}

/// One round of pruning and fine-tuning.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PruneRound {
    /// From 1.
    pub round: usize,
    /// Filters removed in this round.
    pub filters_removed: usize,
    /// Trainable parameters after it.
    pub parameters: u64,
    /// Share of the original's parameters removed so far.
    pub removed: f64,
    /// Validation accuracy of the pruned network before fine-tuning, with the statistics of batch
    /// normalisation as they were.
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

/// There is something before pruning, and no more after it.
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
    fn a_target_is_met_when_all_of_it_is() {
        let target = |latency_s, energy_j| PruneTarget { latency_s, energy_j };
        let met = |target: PruneTarget| target.met_by(&measured(1e-3, Some(2e-3)));
        assert!(
            met(target(Some(1e-3), None))
                && met(target(None, Some(2e-3)))
                && met(target(Some(1.0), Some(1.0)))
        );
        assert!(!met(target(Some(0.9e-3), None)) && !met(target(Some(1.0), Some(1.9e-3))));
        assert!(!met(PruneTarget::default()), "without a target there is nothing to meet");
        assert!(
            !target(None, Some(1.0)).met_by(&measured(1e-3, None)),
            "an energy that is not known meets nothing"
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
    fn times_and_energies_read_well() {
        assert_eq!(measured(1.23456e-4, None).to_string(), "0.1235 ms");
        assert_eq!(measured(2.0, Some(0.00512)).to_string(), "2000 ms and 5.120 mJ");
        assert_eq!(
            PruneTarget { latency_s: None, energy_j: Some(1e-6) }.to_string(),
            "0.001000 mJ"
        );
    }

    #[test]
    fn all_is_named_alike_in_files_and_options() {
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
