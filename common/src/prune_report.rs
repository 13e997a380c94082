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

/// How the convolutions share what goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PruneChoose {
    /// Each gives its share in each round (paper, section 4.2).
    #[default]
    Uniform,
    /// Their filters compete in one list, by worth per parameter that goes with a filter.
    Global,
}

impl PruneChoose {
    /// Both, the paper's first.
    pub const ALL: [PruneChoose; 2] = [PruneChoose::Uniform, PruneChoose::Global];

    /// The name used in files and options.
    pub fn name(self) -> &'static str {
        match self {
            PruneChoose::Uniform => "uniform",
            PruneChoose::Global => "global",
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
    /// How the convolutions shared what went.
    pub choose: PruneChoose,
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
    /// Validation accuracy of the pruned network before fine-tuning, with the statistics of batch normalisation as they
    /// were.
    pub accuracy_untuned: f64,
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
    fn all_is_named_alike_in_files_and_options() {
        for method in PruneMethod::ALL {
            assert_eq!(serde_json::to_string(&method).unwrap(), format!("\"{}\"", method.name()));
        }
        for choose in PruneChoose::ALL {
            assert_eq!(serde_json::to_string(&choose).unwrap(), format!("\"{}\"", choose.name()));
        }
        for part in PrunePart::ALL {
            assert_eq!(serde_json::to_string(&part).unwrap(), format!("\"{}\"", part.name()));
        }
    }
}
