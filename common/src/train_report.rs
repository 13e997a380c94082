//! `train.json` and what `train eval` prints.

use crate::device::Device;
use crate::files::json::Document;
use crate::files::ranges::{
    BYTES, COUNT, IMAGES, LOSS, MACS, PARAMETERS, PHYSICAL, RATE, SECONDS, SHARE, all_within,
    within,
};
use crate::search::genome::Optimizer;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// `train.json`: what a training did and reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainReport {
    /// Seed of initialisation, shuffling, augmentation and dropout.
    pub seed: u64,
    /// Epochs done.
    pub epochs: usize,
    /// Images of each epoch.
    pub images: usize,
    /// What changed the weights.
    pub optimizer: Optimizer,
    /// Trainable parameters.
    pub parameters: u64,
    /// Multiply-adds for one image.
    pub macs: u64,
    /// Share of images classified correctly with the final weights.
    pub accuracy: SplitAccuracy,
    /// Whether the loss, its gradient, the weights or the statistics of batch normalisation became
    /// NaN or infinite; then the weights are the initial ones and the accuracies those of guessing.
    pub diverged: bool,
    /// One entry per epoch that was completed.
    pub curve: Vec<Epoch>,
    /// The fingerprint of the data that it was trained on ([`crate::dataset::Identity::sha256`]).
    pub data_sha256: String,
    /// SHA-256 of `weights.safetensors`.
    pub weights_sha256: String,
    /// What is different each time.
    pub timing: Timing,
}

/// Accuracy (0..1) by split. The test split is not here: `train eval` reads it, once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitAccuracy {
    /// Mean over the last epoch's batches as they were trained on.
    pub train: f64,
    /// On the validation split; `null` when trained with `--no-validation`.
    pub validation: Option<f64>,
}

/// One epoch of a training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    /// From 1.
    pub epoch: usize,
    /// Learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// Mean over the epoch's images of what was minimised: cross-entropy, with smoothed labels if
    /// so set.
    pub loss: f64,
    /// Share of the epoch's images classified correctly as they were trained on.
    pub train_accuracy: f64,
    /// On the validation split after the epoch; `null` where the profile's `validate_every` did not
    /// ask for it, or there are no validation images. The last epoch always has it.
    pub validation_accuracy: Option<f64>,
}

/// What one training took on one machine. Where it went on from a checkpoint, that is since then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    /// Wall time from the initial to the final weights, without reading images and scoring the
    /// final weights.
    pub wall_s: f64,
    /// Processor time of all threads in that time.
    pub cpu_s: f64,
    /// Training images per second of wall time.
    pub images_per_s: f64,
    /// Threads used.
    pub threads: usize,
    /// What computed, as on the command line: `cpu`, `cuda:N`.
    #[serde(default = "cpu")]
    pub device: String,
    /// Largest resident memory of the whole process; `null` where it is not known.
    pub peak_rss_bytes: Option<u64>,
    /// Why it is not known; `null` where it is.
    pub peak_rss_reason: Option<String>,
}

/// What computed where a report does not say.
fn cpu() -> String {
    Device::Cpu.to_string()
}

impl Document for TrainReport {
    const KIND: &'static str = "train";

    fn check(&self) -> Result<()> {
        within("epochs", self.epochs, &COUNT)?;
        within("images", self.images, &IMAGES)?;
        within("parameters", self.parameters, &PARAMETERS)?;
        within("macs", self.macs, &MACS)?;
        within("accuracy.train", self.accuracy.train, &SHARE)?;
        all_within("accuracy.validation", self.accuracy.validation, &SHARE)?;
        check_curve(&self.curve)?;
        self.timing.check().context("timing")
    }
}

/// Checks the epochs of a training.
///
/// # Errors
/// A number that no training has.
pub fn check_curve(curve: &[Epoch]) -> Result<()> {
    let check =
        |(index, epoch): (usize, &Epoch)| epoch.check().with_context(|| format!("curve[{index}]"));
    curve.iter().enumerate().try_for_each(check)
}

impl Epoch {
    fn check(&self) -> Result<()> {
        within("epoch", self.epoch, &COUNT)?;
        within("learning_rate", self.learning_rate, &RATE)?;
        within("loss", self.loss, &LOSS)?;
        within("train_accuracy", self.train_accuracy, &SHARE)?;
        all_within("validation_accuracy", self.validation_accuracy, &SHARE)
    }
}

impl Timing {
    fn check(&self) -> Result<()> {
        within("wall_s", self.wall_s, &SECONDS)?;
        // Of many threads.
        within("cpu_s", self.cpu_s, &PHYSICAL)?;
        within("images_per_s", self.images_per_s, &PHYSICAL)?;
        within("threads", self.threads, &COUNT)?;
        all_within("peak_rss_bytes", self.peak_rss_bytes, &BYTES)
    }
}

/// What `train eval` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvalReport {
    /// `validation` or `test`.
    pub split: String,
    /// Images evaluated.
    pub images: usize,
    /// How many of them were classified correctly.
    pub correct: usize,
    /// `correct / images`.
    pub accuracy: f64,
    /// Mean cross-entropy.
    pub loss: f64,
    /// The fingerprint of the data that it was scored on ([`crate::dataset::Identity::sha256`]).
    pub data_sha256: String,
    /// SHA-256 of the weights file.
    pub weights_sha256: String,
}

impl Document for EvalReport {
    const KIND: &'static str = "eval";

    fn check(&self) -> Result<()> {
        within("images", self.images, &IMAGES)?;
        ensure!(
            self.correct <= self.images,
            "correct {} must be at most images {}",
            self.correct,
            self.images
        );
        within("accuracy", self.accuracy, &SHARE)?;
        within("loss", self.loss, &LOSS)
    }
}
