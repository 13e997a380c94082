//! A profile: one file with a section for each stage (`--config`). What it leaves out is as in the paper.

use crate::genome::Optimizer;
use crate::json::Document;
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

/// Section `search`. The default is the paper's (section 5.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SearchSettings {
    /// Genomes in each iteration's population.
    pub population: usize,
    /// Genomes kept in the archive.
    pub archive_size: usize,
    /// Iterations, the initial population included.
    pub iterations: usize,
    /// Epochs that a candidate is trained for.
    pub epochs: usize,
    /// Training images that a candidate sees; `null` for as many as in `training`.
    pub subset: Option<usize>,
}

impl Default for SearchSettings {
    fn default() -> Self {
        SearchSettings { population: 45, archive_size: 45, iterations: 8, epochs: 16, subset: None }
    }
}

impl SearchSettings {
    fn check(&self) -> Result<()> {
        ensure!(self.population >= 1, "search.population must be at least 1");
        ensure!(self.archive_size >= 1, "search.archive_size must be at least 1");
        ensure!(self.iterations >= 1, "search.iterations must be at least 1");
        ensure!(self.epochs >= 1, "search.epochs must be at least 1");
        ensure!(self.subset != Some(0), "search.subset must be at least 1, or null for all images");
        Ok(())
    }
}

/// Section `training`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingSettings {
    /// Images in a batch.
    pub batch: usize,
    /// Epochs of a full training (a search has its own, `search.epochs`).
    pub epochs: usize,
    /// Training images that a network sees, the same ones every time; `null` for all of the training split.
    pub subset: Option<usize>,
    /// How the learning rate changes from step to step.
    pub schedule: Schedule,
    /// The highest learning rate, for each optimizer.
    pub learning_rate: LearningRates,
    /// Momentum of SGD.
    pub momentum: f64,
    /// Added to the gradients of convolutions' and the classifier's weights, times the weight.
    pub weight_decay: f64,
    /// Training images over which batch normalisation's statistics are taken anew before a network is scored; running
    /// statistics lag behind the weights in short trainings.
    pub recalibration_images: usize,
}

/// How the learning rate changes from step to step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// It does not.
    Constant,
    /// From the highest rate to 0 along half a cosine.
    Cosine,
}

/// A learning rate for each optimizer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LearningRates {
    /// Adam.
    pub adam: f64,
    /// SGD with momentum.
    pub sgd: f64,
    /// Adagrad.
    pub adagrad: f64,
    /// Adamax.
    pub adamax: f64,
    /// Nadam.
    pub nadam: f64,
}

impl LearningRates {
    /// The rate for one optimizer.
    pub fn of(&self, optimizer: Optimizer) -> f64 {
        match optimizer {
            Optimizer::Adam => self.adam,
            Optimizer::Sgd => self.sgd,
            Optimizer::Adagrad => self.adagrad,
            Optimizer::Adamax => self.adamax,
            Optimizer::Nadam => self.nadam,
        }
    }
}

impl Default for LearningRates {
    fn default() -> Self {
        LearningRates { adam: 0.003, sgd: 0.1, adagrad: 0.02, adamax: 0.006, nadam: 0.003 }
    }
}

impl Default for TrainingSettings {
    fn default() -> Self {
        TrainingSettings {
            batch: 128,
            epochs: 250,
            subset: None,
            schedule: Schedule::Cosine,
            learning_rate: LearningRates::default(),
            momentum: 0.9,
            weight_decay: 1e-4,
            recalibration_images: 1024,
        }
    }
}

impl TrainingSettings {
    fn check(&self) -> Result<()> {
        ensure!(self.batch >= 1, "training.batch must be at least 1");
        ensure!(self.epochs >= 1, "training.epochs must be at least 1");
        ensure!(self.subset.is_none_or(|n| n >= 2), "training.subset must be at least 2, or null for all images");
        for optimizer in Optimizer::ALL {
            let rate = self.learning_rate.of(optimizer);
            ensure!(rate > 0.0 && rate.is_finite(), "training.learning_rate.{optimizer} {rate} must be above 0");
        }
        ensure!((0.0..1.0).contains(&self.momentum), "training.momentum {} must be in 0..1", self.momentum);
        ensure!(self.weight_decay >= 0.0, "training.weight_decay {} must not be negative", self.weight_decay);
        ensure!(self.recalibration_images >= 2, "training.recalibration_images must be at least 2");
        Ok(())
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

/// Section `pruning`; options of `prune run` go before it. The default is the paper's (section 5.3), with its lowest cap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PruningSettings {
    /// Largest share of the trainable parameters that may go.
    pub cap: f64,
    /// Share of a convolution's filters that stay in each round.
    pub cluster_factor: f64,
    /// Most rounds.
    pub iterations: usize,
    /// Epochs of fine-tuning after each round.
    pub finetune_epochs: usize,
    /// Fine-tuning's learning rates as a share of those of `training`.
    pub finetune_rate: f64,
}

impl Default for PruningSettings {
    fn default() -> Self {
        PruningSettings { cap: 0.65, cluster_factor: 0.9, iterations: 10, finetune_epochs: 5, finetune_rate: 0.3 }
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

    fn check(&self) -> Result<()> {
        ensure!(self.idle_s >= 0.0 && self.idle_s.is_finite(), "measurement.idle_s must not be negative");
        ensure!(self.warmup_s >= 0.0 && self.warmup_s.is_finite(), "measurement.warmup_s must not be negative");
        ensure!((1..=10_000).contains(&self.windows), "measurement.windows must be 1 to 10000");
        ensure!(self.window_s > 0.0 && self.window_s.is_finite(), "measurement.window_s must be above 0");
        Ok(())
    }
}
