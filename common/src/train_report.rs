//! The reports of `train`: `train.json`, and the output of `train eval` ([`EvalReport`]).

use crate::device::Device;
use crate::files::json::Document;
use crate::files::ranges::{
    BYTES, COUNT, IMAGES, LOSS, MACS, PARAMETERS, PHYSICAL, RATE, SECONDS, SHARE, all_within,
    within,
};
use crate::program::Program;
use crate::search::genome::Optimizer;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

pub use crate::eval_report::EvalReport;

/// The report of a training (`train.json`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainReport {
    /// Seed of initialisation, shuffling, augmentation and dropout.
    pub seed: u64,
    /// Completed epochs.
    pub epochs: usize,
    /// Images per epoch.
    pub images: usize,
    /// Optimizer of the weights.
    pub optimizer: Optimizer,
    /// Trainable parameters.
    pub parameters: u64,
    /// Multiply-adds for one image.
    pub macs: u64,
    /// Accuracies of the final weights.
    pub accuracy: SplitAccuracy,
    /// Validation accuracy (0..1) of the training by which the network was chosen, if this training
    /// learned from the validation images too (`train fit --chosen-by`). Left out of files if there
    /// is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen_with_validation_accuracy: Option<f64>,
    /// `true` if the loss, its gradient, the weights or the statistics of batch normalisation
    /// became NaN or infinite. Then the weights are the initial ones and the accuracies those of
    /// guessing.
    pub diverged: bool,
    /// One entry per completed epoch.
    pub curve: Vec<Epoch>,
    /// Fingerprint of the training data ([`crate::dataset::Identity::sha256`]).
    pub data_sha256: String,
    /// SHA-256 of `weights.safetensors`.
    pub weights_sha256: String,
    /// Time and memory of the training, which differ from run to run.
    pub timing: Timing,
}

/// The accuracies (0..1) on each split. The test split is not included: only `train eval` reads it,
/// once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitAccuracy {
    /// Accuracy on the training split: the mean over the last epoch's batches during training.
    pub train: f64,
    /// Accuracy on the validation split; `null` for a training with `--no-validation`.
    pub validation: Option<f64>,
}

/// An epoch of a training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// Mean loss over the epoch's images: cross-entropy, with smoothed labels if so configured.
    pub loss: f64,
    /// Accuracy (0..1) on the epoch's images during training.
    pub train_accuracy: f64,
    /// Accuracy (0..1) on the validation split after the epoch; `null` for epochs that
    /// `validate_every` leaves out, and if there are no validation images. The last epoch is always
    /// scored.
    pub validation_accuracy: Option<f64>,
}

/// The time and memory of a training on one machine, since the last checkpoint from which it was
/// resumed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    /// Wall time in seconds from the initial to the final weights, without reading images and
    /// scoring the final weights.
    pub wall_s: f64,
    /// Processor time of all threads in that time, in seconds.
    pub cpu_s: f64,
    /// Training images per second of wall time.
    pub images_per_s: f64,
    /// Number of threads.
    pub threads: usize,
    /// Device as on the command line: `cpu`, `cuda:N`.
    #[serde(default = "cpu")]
    pub device: String,
    /// Maximum resident memory of the whole process in bytes; `null` if it is not known.
    pub peak_rss_bytes: Option<u64>,
    /// Reason why it is not known; `null` if it is known.
    pub peak_rss_reason: Option<String>,
    /// Build of `train`; missing in files of versions that did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<Program>,
}

/// Default for reports without a device.
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
        let chosen_with = self.chosen_with_validation_accuracy;
        all_within("chosen_with_validation_accuracy", chosen_with, &SHARE)?;
        check_curve(&self.curve)?;
        self.timing.check().context("timing")
    }
}

impl TrainReport {
    /// Returns the validation accuracy by which the network can be compared with others: that of
    /// the final weights or, if they learned from the validation images, that of the training by
    /// which the network was chosen.
    pub fn validation_accuracy(&self) -> Option<f64> {
        self.accuracy.validation.or(self.chosen_with_validation_accuracy)
    }
}

/// Checks the epochs of a training.
///
/// # Errors
/// Fails if a number is outside its range.
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
        // The sum of many threads may exceed the range of durations.
        within("cpu_s", self.cpu_s, &PHYSICAL)?;
        within("images_per_s", self.images_per_s, &PHYSICAL)?;
        within("threads", self.threads, &COUNT)?;
        all_within("peak_rss_bytes", self.peak_rss_bytes, &BYTES)
    }
}
