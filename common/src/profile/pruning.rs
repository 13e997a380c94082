//! Section `pruning` of a profile.

use crate::files::ranges::{PLANNED, within};
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// Section `pruning`; options of `prune run` go before it. The default is the paper's (section
/// 5.3), with its middle cap, but for the method, and ours where the paper says nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PruningSettings {
    /// Largest share of the trainable parameters that may go.
    pub cap: f64,
    /// Share of a convolution's filters that stay in each round.
    pub cluster_factor: f64,
    /// How the filters that stay are chosen. Not k-means++, as in the paper: sums of absolute
    /// weights keep more accuracy at the same size (docs/pruning.md).
    pub method: PruneMethod,
    /// How the convolutions share what goes.
    pub choose: Allocation,
    /// What is pruned besides the convolutions that always are.
    pub also: Vec<PrunePart>,
    /// Most rounds.
    pub iterations: usize,
    /// Epochs of fine-tuning after each round.
    pub finetune_epochs: usize,
    /// Fine-tuning's learning rates as a share of those of `training`.
    pub finetune_rate: f64,
}

impl Default for PruningSettings {
    fn default() -> Self {
        PruningSettings {
            cap: 0.65,
            cluster_factor: 0.9,
            method: PruneMethod::L1,
            choose: Allocation::Uniform,
            also: Vec::new(),
            iterations: 10,
            finetune_epochs: 5,
            finetune_rate: 0.3,
        }
    }
}

impl PruningSettings {
    /// Checks the ranges of all fields.
    pub fn check(&self) -> Result<()> {
        ensure!(
            self.cap > 0.0 && self.cap < 1.0,
            "pruning.cap {} must be between 0 and 1",
            self.cap
        );
        ensure!(
            self.cluster_factor > 0.0 && self.cluster_factor < 1.0,
            "pruning.cluster_factor {} must be between 0 and 1",
            self.cluster_factor
        );
        let rising = self.also.windows(2).all(|pair| pair[0] < pair[1]);
        ensure!(rising, "pruning.also may name stem and transitions once each, in this order");
        within("pruning.iterations", self.iterations, &PLANNED)?;
        within("pruning.finetune_epochs", self.finetune_epochs, &PLANNED)?;
        ensure!(
            self.finetune_rate > 0.0 && self.finetune_rate <= 1.0,
            "pruning.finetune_rate {} must be above 0, at most 1",
            self.finetune_rate
        );
        Ok(())
    }
}

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
    /// Their filters compete in one list, by worth per parameter that goes with a filter.
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
