//! `prune.json`: what pruning removed and what it cost.

use crate::json::Document;
use serde::{Deserialize, Serialize};

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

/// `prune.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PruneReport {
    /// How filters were chosen.
    pub method: PruneMethod,
    /// Seed of the clustering and of each round's fine-tuning.
    pub seed: u64,
    /// Largest share of the trainable parameters that may go.
    pub cap: f64,
    /// Share of a convolution's filters that stay in each round.
    pub cluster_factor: f64,
    /// Trainable parameters before.
    pub parameters_before: u64,
    /// Trainable parameters after.
    pub parameters_after: u64,
    /// `1 - after / before`.
    pub removed: f64,
    /// Multiply-adds before.
    pub macs_before: u64,
    /// Multiply-adds after.
    pub macs_after: u64,
    /// Whether the cap was reached to within one filter; if not, why the rounds ended.
    pub cap_reached: bool,
    /// One entry per round.
    pub rounds: Vec<PruneRound>,
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
    /// Validation accuracy after fine-tuning.
    pub accuracy: f64,
}

impl Document for PruneReport {
    const KIND: &'static str = "prune";
}
