//! `prune.json`: what pruning removed and what it cost.

use crate::json::Document;
use serde::{Deserialize, Serialize};
use std::fmt;

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
}

impl fmt::Display for PruneEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PruneEnd::Cap => "one more filter would exceed the cap",
            PruneEnd::Iterations => "all iterations are used up",
            PruneEnd::Filters => "every prunable convolution is down to one filter",
        })
    }
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
    /// Whether the cap was reached to within one filter.
    pub cap_reached: bool,
    /// Why the rounds ended.
    pub ended: PruneEnd,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_have_the_same_name_in_files_and_options() {
        for method in PruneMethod::ALL {
            assert_eq!(serde_json::to_string(&method).unwrap(), format!("\"{}\"", method.name()));
        }
    }
}
