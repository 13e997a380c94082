//! The rule by which one of several networks is chosen: the first, in the order of an objective,
//! that meets all demands. Decided by validation accuracy; the test accuracy is carried along and
//! decides nothing.

use crate::files::ranges::{BYTES, all_within};
use crate::search::requirements::Requirements;
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// A network among which one is chosen, with what is known of it on one board.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// Name: its folder below `networks`, such as `1/dense` or `i03-07/pruned/int8`.
    pub network: String,
    /// Validation accuracy (0..1).
    pub validation_accuracy: Option<f64>,
    /// Test accuracy (0..1), which is shown and decides nothing.
    pub test_accuracy: Option<f64>,
    /// Trainable parameters.
    pub parameters: Option<u64>,
    /// Median time of one inference, in seconds.
    pub latency_s: Option<f64>,
    /// Median gross energy of one inference, in joules.
    pub energy_j: Option<f64>,
    /// Average gross power while inferences run, in watts.
    pub power_w: Option<f64>,
    /// Bytes of constants of its crate and, on a microcontroller, of code.
    pub flash_bytes: Option<u64>,
    /// Bytes of working memory of its crate.
    pub arena_bytes: Option<u64>,
}

/// The demands on a network; `None` where nothing is demanded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demands {
    /// Maximum median time of one inference, in seconds.
    pub max_latency_s: Option<f64>,
    /// Maximum median gross energy of one inference, in joules.
    pub max_energy_j: Option<f64>,
    /// Maximum average gross power while inferences run, in watts.
    pub max_power_w: Option<f64>,
    /// Maximum bytes of constants and, on a microcontroller, of code.
    pub max_flash_bytes: Option<u64>,
    /// Maximum bytes of working memory.
    pub max_arena_bytes: Option<u64>,
    /// Minimum validation accuracy (0..1).
    pub min_accuracy: Option<f64>,
}

/// The name of a demand. [`Demand::Objective`] is always there: a network whose value of the
/// objective is unknown cannot be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Demand {
    /// [`Demands::max_latency_s`].
    MaxLatencyS,
    /// [`Demands::max_energy_j`].
    MaxEnergyJ,
    /// [`Demands::max_power_w`].
    MaxPowerW,
    /// [`Demands::max_flash_bytes`].
    MaxFlashBytes,
    /// [`Demands::max_arena_bytes`].
    MaxArenaBytes,
    /// [`Demands::min_accuracy`].
    MinAccuracy,
    /// The value of the objective is known.
    Objective,
}

/// The quantity in whose order networks are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderBy {
    /// Validation accuracy, the largest first.
    #[default]
    Accuracy,
    /// Median time of one inference, the shortest first.
    Latency,
    /// Median gross energy of one inference, the lowest first.
    Energy,
    /// Trainable parameters, the fewest first.
    Parameters,
}

/// A network that is not eligible, and the demands that it fails, in the order of [`Demand`].
#[derive(Clone, Debug, PartialEq)]
pub struct Excluded<'a> {
    /// Network.
    pub candidate: &'a Candidate,
    /// Demands; at least one.
    pub by: Vec<Demand>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice<'a> {
    /// First network that meets all demands.
    pub chosen: Option<&'a Candidate>,
    /// Second one.
    pub runner_up: Option<&'a Candidate>,
    /// What each demand costs: the value of the objective that is lost by it, never below 0, which
    /// is the difference between the network that would be chosen without it and the one that is
    /// chosen. Empty if none is chosen.
    pub cost: BTreeMap<Demand, f64>,
    /// Networks that fail a demand, in the order of the objective.
    pub excluded: Vec<Excluded<'a>>,
    /// Where none is chosen, the network that comes nearest: the one that fails the fewest demands,
    /// then the one whose largest relative excess over a demand is smallest (an unknown value is
    /// infinitely far), then the first in the order of the objective.
    pub nearest: Option<Excluded<'a>>,
}

/// Chooses among networks, whose order in the list has no influence.
pub fn choose<'a>(candidates: &'a [Candidate], demands: &Demands, order_by: OrderBy) -> Choice<'a> {
    let mut sorted: Vec<&Candidate> = candidates.iter().collect();
    sorted.sort_by(|a, b| order_by.compare(a, b));
    let failed = |candidate: &Candidate| demands.failed_by(candidate, order_by);
    let (eligible, others): (Vec<_>, Vec<_>) = sorted
        .into_iter()
        .map(|candidate| Excluded { candidate, by: failed(candidate) })
        .partition(|network| network.by.is_empty());
    let chosen = eligible.first().map(|first| first.candidate);
    let cost = chosen.map(|chosen| costs(&others, chosen, demands, order_by)).unwrap_or_default();
    let nearest = if chosen.is_none() { nearest(&others, demands) } else { None };
    Choice {
        chosen,
        runner_up: eligible.get(1).map(|second| second.candidate),
        cost,
        excluded: others,
        nearest,
    }
}

/// Returns what each demand costs. Without a demand, a network that fails it alone could be chosen.
fn costs(
    others: &[Excluded<'_>],
    chosen: &Candidate,
    demands: &Demands,
    order_by: OrderBy,
) -> BTreeMap<Demand, f64> {
    let cost = |demand: Demand| {
        let without = others.iter().find(|other| other.by == [demand]);
        let better = without.filter(|other| order_by.compare(other.candidate, chosen).is_lt());
        let values = better.and_then(|b| order_by.value(b.candidate)).zip(order_by.value(chosen));
        values.map_or(0.0, |(without, with)| (without - with).abs())
    };
    demands.limits().into_iter().map(|(demand, _)| (demand, cost(demand))).collect()
}

fn nearest<'a>(others: &[Excluded<'a>], demands: &Demands) -> Option<Excluded<'a>> {
    let excess = |other: &Excluded<'_>| {
        let excesses = other.by.iter().map(|demand| demands.excess(*demand, other.candidate));
        excesses.fold(0.0, f64::max)
    };
    // The first of equal ones, in the order of the objective.
    let nearest = others
        .iter()
        .min_by(|a, b| a.by.len().cmp(&b.by.len()).then_with(|| excess(a).total_cmp(&excess(b))));
    nearest.cloned()
}

impl Demands {
    /// Returns the demands that are made, and their limits.
    pub fn limits(&self) -> Vec<(Demand, f64)> {
        let bytes = |limit: Option<u64>| limit.map(|bytes| bytes as f64);
        let all = [
            (Demand::MaxLatencyS, self.max_latency_s),
            (Demand::MaxEnergyJ, self.max_energy_j),
            (Demand::MaxPowerW, self.max_power_w),
            (Demand::MaxFlashBytes, bytes(self.max_flash_bytes)),
            (Demand::MaxArenaBytes, bytes(self.max_arena_bytes)),
            (Demand::MinAccuracy, self.min_accuracy),
        ];
        all.into_iter().filter_map(|(demand, limit)| Some((demand, limit?))).collect()
    }

    /// Returns the demands that a network fails, in the order of [`Demand`]. An unknown value fails
    /// a demand on it.
    pub fn failed_by(&self, candidate: &Candidate, order_by: OrderBy) -> Vec<Demand> {
        let is_met = |(demand, limit): &(Demand, f64)| {
            demand.value(candidate).is_some_and(|value| match demand.is_minimum() {
                true => value >= *limit,
                false => value <= *limit,
            })
        };
        let failed = self.limits().into_iter().filter(|demand| !is_met(demand));
        let unknown = order_by.value(candidate).is_none().then_some(Demand::Objective);
        failed.map(|(demand, _)| demand).chain(unknown).collect()
    }

    /// Returns by which share of the limit a network fails a demand; infinite if its value is
    /// unknown.
    fn excess(&self, demand: Demand, candidate: &Candidate) -> f64 {
        let limit = self.limits().into_iter().find(|(made, _)| *made == demand);
        let known = limit.zip(demand.value(candidate));
        known.map_or(f64::INFINITY, |((_, limit), value)| (value - limit).abs() / limit)
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// Fails if a limit is not a positive, finite number, or if the accuracy is not in 0..1.
    pub fn check(&self) -> Result<()> {
        let Demands { min_accuracy, max_latency_s, max_energy_j, max_power_w, .. } = *self;
        Requirements { min_accuracy, max_latency_s, max_energy_j, max_power_w }.check()?;
        ensure!(self.max_flash_bytes != Some(0), "the most flash memory must be above 0 bytes");
        ensure!(self.max_arena_bytes != Some(0), "the most working memory must be above 0 bytes");
        all_within("max_flash_bytes", self.max_flash_bytes, &BYTES)?;
        all_within("max_arena_bytes", self.max_arena_bytes, &BYTES)
    }
}

impl Demand {
    /// Returns the value of a network that the demand is about; `None` if it is unknown.
    pub fn value(self, candidate: &Candidate) -> Option<f64> {
        match self {
            Demand::MaxLatencyS => candidate.latency_s,
            Demand::MaxEnergyJ => candidate.energy_j,
            Demand::MaxPowerW => candidate.power_w,
            Demand::MaxFlashBytes => candidate.flash_bytes.map(|bytes| bytes as f64),
            Demand::MaxArenaBytes => candidate.arena_bytes.map(|bytes| bytes as f64),
            Demand::MinAccuracy => candidate.validation_accuracy,
            Demand::Objective => None,
        }
    }

    /// Returns the name in files.
    pub fn name(self) -> &'static str {
        match self {
            Demand::MaxLatencyS => "max_latency_s",
            Demand::MaxEnergyJ => "max_energy_j",
            Demand::MaxPowerW => "max_power_w",
            Demand::MaxFlashBytes => "max_flash_bytes",
            Demand::MaxArenaBytes => "max_arena_bytes",
            Demand::MinAccuracy => "min_accuracy",
            Demand::Objective => "objective",
        }
    }

    /// Returns whether the demand is a minimum; otherwise it is a maximum.
    fn is_minimum(self) -> bool {
        match self {
            Demand::MinAccuracy => true,
            Demand::MaxLatencyS
            | Demand::MaxEnergyJ
            | Demand::MaxPowerW
            | Demand::MaxFlashBytes
            | Demand::MaxArenaBytes
            | Demand::Objective => false,
        }
    }
}

impl OrderBy {
    /// Returns the value of a network that is ordered by; `None` if it is unknown.
    pub fn value(self, candidate: &Candidate) -> Option<f64> {
        match self {
            OrderBy::Accuracy => candidate.validation_accuracy,
            OrderBy::Latency => candidate.latency_s,
            OrderBy::Energy => candidate.energy_j,
            OrderBy::Parameters => candidate.parameters.map(|parameters| parameters as f64),
        }
    }

    /// Compares two networks: the better one is less. Equal ones are ordered by validation
    /// accuracy, parameters, latency and name; unknown values come last.
    pub fn compare(self, a: &Candidate, b: &Candidate) -> Ordering {
        let by = |order: OrderBy| match order {
            OrderBy::Accuracy => ascending(order.value(a).map(|x| -x), order.value(b).map(|x| -x)),
            OrderBy::Latency | OrderBy::Energy | OrderBy::Parameters => {
                ascending(order.value(a), order.value(b))
            }
        };
        by(self)
            .then_with(|| by(OrderBy::Accuracy))
            .then_with(|| by(OrderBy::Parameters))
            .then_with(|| by(OrderBy::Latency))
            .then_with(|| a.network.cmp(&b.network))
    }
}

/// Compares two values, of which an unknown one is the larger.
fn ascending(a: Option<f64>, b: Option<f64>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
}

#[cfg(test)]
mod tests;
