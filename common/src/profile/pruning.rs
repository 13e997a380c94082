//! Section `pruning` of a profile.

use crate::files::ranges::{PLANNED, within};
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// The section `pruning` of a profile; options of `prune run` take precedence over it. The default
/// is the paper's (section 5.3, the middle one of its caps), except the method and the settings
/// that the paper does not give.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PruningSettings {
    /// Maximum share of the trainable parameters that may be removed.
    pub cap: f64,
    /// Share of a convolution's filters that is kept in each round.
    pub cluster_factor: f64,
    /// Method that chooses the filters to keep. The default is not the paper's k-means++, because
    /// sums of absolute weights keep more accuracy at the same size (docs/pruning.md).
    pub method: PruneMethod,
    /// Allocation of the removed filters to convolutions.
    pub choose: Allocation,
    /// Convolutions that are pruned besides those that always are.
    pub also: Vec<PrunePart>,
    /// Maximum number of rounds.
    pub iterations: usize,
    /// Epochs of fine-tuning after each round.
    pub finetune_epochs: usize,
    /// Learning rates of fine-tuning as a share of those of `training`.
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
    ///
    /// # Errors
    /// Fails with the field that is outside its range.
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

/// A method that chooses the filters to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PruneMethod {
    /// k-means++ clusters; the filter nearest to each centre is kept (paper, section 4.2).
    Kmeans,
    /// The filters with the largest sums of absolute weights are kept.
    L1,
    /// Filters drawn at random are kept.
    Random,
}

impl PruneMethod {
    /// All methods, the paper's first.
    pub const ALL: [PruneMethod; 3] = [PruneMethod::Kmeans, PruneMethod::L1, PruneMethod::Random];

    /// Returns the name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            PruneMethod::Kmeans => "kmeans",
            PruneMethod::L1 => "l1",
            PruneMethod::Random => "random",
        }
    }
}

/// An allocation of the removed filters to convolutions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Allocation {
    /// Each convolution loses the same share in each round (paper, section 4.2).
    #[default]
    Uniform,
    /// The filters of all convolutions compete in one list, by importance per parameter that a
    /// removal saves.
    Global,
}

impl Allocation {
    /// Both allocations, the paper's first.
    pub const ALL: [Allocation; 2] = [Allocation::Uniform, Allocation::Global];

    /// Returns the name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            Allocation::Uniform => "uniform",
            Allocation::Global => "global",
        }
    }
}

/// A group of convolutions that are pruned on request only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PrunePart {
    /// Convolution that reads the image.
    Stem,
    /// Convolutions before a pooling.
    Transitions,
}

impl PrunePart {
    /// Both groups.
    pub const ALL: [PrunePart; 2] = [PrunePart::Stem, PrunePart::Transitions];

    /// Returns the name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            PrunePart::Stem => "stem",
            PrunePart::Transitions => "transitions",
        }
    }
}
