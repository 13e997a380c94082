//! A profile: one file with a section for each stage (`--config`). What it leaves out is as in the
//! paper, but for the method of pruning.

mod search;
mod training;

pub use search::{MatingFitness, SearchSettings, Strategy, Surrogate};
pub use training::{Augmentation, LearningRates, Precision, Schedule, TrainingSettings};

use crate::json::Document;
use crate::prune_report::{Allocation, PruneMethod, PrunePart};
use crate::ranges::{PLANNED, within};
use crate::space::SearchSpace;
use crate::template::Template;
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

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
        within("final.winners", self.finals.winners, &(1..=100))?;
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

/// Section `measurement`. The default is a full measurement; anything shorter is marked `short` in
/// its file.
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

/// Nothing is measured for over 12 days at a time, in seconds.
const MEASURED: RangeInclusive<f64> = 0.0..=1e6;

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
        within("measurement.idle_s", self.idle_s, &MEASURED)?;
        within("measurement.warmup_s", self.warmup_s, &MEASURED)?;
        within("measurement.windows", self.windows, &(1..=10_000))?;
        ensure!(self.window_s > 0.0, "measurement.window_s {} must be above 0", self.window_s);
        within("measurement.window_s", self.window_s, &MEASURED)
    }
}
