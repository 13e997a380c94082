//! A profile: one file with a section for each stage (`--config`). What it leaves out is as in the paper, but for
//! the method of pruning.

mod search;
mod training;

pub use search::{MatingFitness, SearchSettings, Strategy, Surrogate};
pub use training::{Augmentation, LearningRates, Precision, Schedule, TrainingSettings};

use crate::json::Document;
use crate::prune_report::{PruneChoose, PruneMethod, PrunePart};
use crate::space::SearchSpace;
use crate::template::Template;
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// `pipelines/profiles/*.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// What the profile is for, for people.
    pub about: String,
    /// The values of each gene.
    pub space: SearchSpace,
    /// What the genes leave open.
    pub template: Template,
    /// Population, iterations, fidelity.
    pub search: SearchSettings,
    /// How networks are trained.
    pub training: TrainingSettings,
    /// What happens to the winners.
    #[serde(rename = "final")]
    pub finals: FinalSettings,
    /// How they are pruned.
    pub pruning: PruningSettings,
    /// How they are measured.
    pub measurement: MeasurementSettings,
}

impl Document for Profile {
    const KIND: &'static str = "profile";

    fn check(&self) -> Result<()> {
        self.space.check()?;
        self.template.check()?;
        self.search.check()?;
        self.training.check()?;
        ensure!((1..=100).contains(&self.finals.winners), "final.winners {} must be 1 to 100", self.finals.winners);
        self.pruning.check()?;
        self.measurement.check()
    }
}

/// Section `final`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FinalSettings {
    /// How many individuals are trained in full, pruned and measured.
    pub winners: usize,
}

impl Default for FinalSettings {
    fn default() -> Self {
        FinalSettings { winners: 3 }
    }
}

/// Section `pruning`; options of `prune run` go before it. The default is the paper's (section 5.3), with its middle
/// cap, but for the method, and ours where the paper says nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PruningSettings {
    /// Largest share of the trainable parameters that may go.
    pub cap: f64,
    /// Share of a convolution's filters that stay in each round.
    pub cluster_factor: f64,
    /// How the filters that stay are chosen. Not k-means++, as in the paper: sums of absolute weights keep more accuracy at
    /// the same size (docs/pruning.md).
    pub method: PruneMethod,
    /// How the convolutions share what goes.
    pub choose: PruneChoose,
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
            choose: PruneChoose::Uniform,
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
        ensure!(self.cap > 0.0 && self.cap < 1.0, "pruning.cap {} must be between 0 and 1", self.cap);
        ensure!(
            self.cluster_factor > 0.0 && self.cluster_factor < 1.0,
            "pruning.cluster_factor {} must be between 0 and 1",
            self.cluster_factor
        );
        let rising = self.also.windows(2).all(|pair| pair[0] < pair[1]);
        ensure!(rising, "pruning.also may name stem and transitions once each, in this order");
        ensure!(self.iterations >= 1, "pruning.iterations must be at least 1");
        ensure!(self.finetune_epochs >= 1, "pruning.finetune_epochs must be at least 1");
        ensure!(
            self.finetune_rate > 0.0 && self.finetune_rate <= 1.0,
            "pruning.finetune_rate must be above 0, at most 1"
        );
        Ok(())
    }
}

/// Section `measurement`. The default is a full measurement; anything shorter is marked `short` in its file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MeasurementSettings {
    /// Length of each of the two idle readings, before and after.
    pub idle_s: f64,
    /// Longest warm-up.
    pub warmup_s: f64,
    /// Number of windows.
    pub windows: usize,
    /// Length of each window.
    pub window_s: f64,
}

impl Default for MeasurementSettings {
    fn default() -> Self {
        MeasurementSettings { idle_s: 10.0, warmup_s: 5.0, windows: 5, window_s: 10.0 }
    }
}

impl MeasurementSettings {
    /// Whether this is at least the full protocol.
    pub fn is_full(&self) -> bool {
        let full = Self::default();
        self.idle_s >= full.idle_s
            && self.warmup_s >= full.warmup_s
            && self.windows >= full.windows
            && self.window_s >= full.window_s
    }

    pub(crate) fn check(&self) -> Result<()> {
        ensure!(self.idle_s >= 0.0 && self.idle_s.is_finite(), "measurement.idle_s must not be negative");
        ensure!(self.warmup_s >= 0.0 && self.warmup_s.is_finite(), "measurement.warmup_s must not be negative");
        ensure!((1..=10_000).contains(&self.windows), "measurement.windows must be 1 to 10000");
        ensure!(self.window_s > 0.0 && self.window_s.is_finite(), "measurement.window_s must be above 0");
        Ok(())
    }
}
