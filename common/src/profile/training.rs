//! How networks are trained: section `training` of a profile.

use crate::genome::Optimizer;
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

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
    /// Largest norm of a step's gradient, all parameters together; a longer one is shortened to it before weight decay, as by
    /// PyTorch's `clip_grad_norm_`. `null` for no limit.
    pub clip_gradient_norm: Option<f64>,
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
            clip_gradient_norm: None,
            recalibration_images: 1024,
        }
    }
}

impl TrainingSettings {
    pub(super) fn check(&self) -> Result<()> {
        ensure!(self.batch >= 1, "training.batch must be at least 1");
        ensure!(self.epochs >= 1, "training.epochs must be at least 1");
        ensure!(self.subset.is_none_or(|n| n >= 2), "training.subset must be at least 2, or null for all images");
        for optimizer in Optimizer::ALL {
            let rate = self.learning_rate.of(optimizer);
            ensure!(rate > 0.0 && rate.is_finite(), "training.learning_rate.{optimizer} {rate} must be above 0");
        }
        ensure!((0.0..1.0).contains(&self.momentum), "training.momentum {} must be in 0..1", self.momentum);
        ensure!(self.weight_decay >= 0.0, "training.weight_decay {} must not be negative", self.weight_decay);
        if let Some(norm) = self.clip_gradient_norm {
            ensure!(norm > 0.0 && norm.is_finite(), "training.clip_gradient_norm {norm} must be above 0, or null");
        }
        ensure!(self.recalibration_images >= 2, "training.recalibration_images must be at least 2");
        Ok(())
    }
}
