//! The report of a training, `train.json`.

use crate::fit::{Trained, Training};
use crate::resources;
use anyhow::Result;
use common::device::Device;
use common::files::hash::sha256_hex;
use common::network::counts;
use common::train_report::{SplitAccuracy, Timing, TrainReport};

/// Returns the report of a training on `threads` threads of a device.
///
/// # Errors
/// Fails if the network is not valid, or if the weights cannot be serialised.
pub(crate) fn report(
    training: &Training,
    trained: &Trained,
    threads: usize,
    device: Device,
) -> Result<TrainReport> {
    let counts = counts::count(training.network)?;
    Ok(TrainReport {
        seed: training.seed,
        epochs: trained.curve.len(),
        images: training.images.len(),
        optimizer: training.optimizer,
        parameters: counts.parameters,
        macs: counts.macs,
        accuracy: SplitAccuracy {
            train: train_accuracy(training, trained),
            validation: trained.validation_accuracy,
        },
        chosen_with_validation_accuracy: None,
        diverged: trained.diverged,
        curve: trained.curve.clone(),
        data_sha256: training.images.sha256.clone(),
        weights_sha256: sha256_hex(&trained.weights.to_bytes()?),
        timing: timing(trained, threads, device),
    })
}

/// Returns the training accuracy of the last epoch; that of guessing if the training diverged.
fn train_accuracy(training: &Training, trained: &Trained) -> f64 {
    let last = trained.curve.last().filter(|_| !trained.diverged);
    last.map_or(training.chance(), |epoch| epoch.train_accuracy)
}

fn timing(trained: &Trained, threads: usize, device: Device) -> Timing {
    let (peak_rss_bytes, peak_rss_reason) = match resources::peak_rss_bytes() {
        Ok(bytes) => (Some(bytes), None),
        Err(reason) => (None, Some(reason)),
    };
    Timing {
        wall_s: trained.resources.wall_s,
        cpu_s: trained.resources.cpu_s,
        images_per_s: trained.images as f64 / trained.resources.wall_s,
        threads,
        device: device.to_string(),
        peak_rss_bytes,
        peak_rss_reason,
        program: Some(process::program::this()),
    }
}
