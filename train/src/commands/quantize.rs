//! `train quantize`: from trained weights to an int8 network.

use crate::cli::QuantizeArgs;
use crate::data::check::check_fits;
use crate::model::Model;
use crate::ops::simd::Level;
use crate::quantize::{self, Quantized};
use crate::{eval, memory, threads};
use anyhow::{Context, Result, bail, ensure};
use common::dataset::{Dataset, Images, TrainingSet};
use common::files::hash::sha256_hex;
use common::files::{atomic, json};
use common::network::Network;
use common::network::weights::Weights;
use common::profile::Profile;
use common::quantized::{Calibration, Fingerprints, Quantization, ValidationAccuracy};
use process::cli::print_line;
use process::lock::lock;

/// Runs `train quantize`.
///
/// # Errors
/// Fails, with nothing written, if an input is missing or does not fit the others, if the network
/// cannot be quantized, or if the int8 network loses too much accuracy on the validation images.
pub(crate) fn quantize(args: &QuantizeArgs) -> Result<()> {
    memory::keep();
    threads::start(args.threads.map(usize::from))?;
    let profile: Profile = json::read_or_default(args.config.as_deref())?;
    let network: Network = json::read(&args.network)?;
    let weights = Weights::read(&args.weights, &network)?;
    let TrainingSet { training, validation, .. } = Dataset::load_training_set(&args.dataset)?;
    check_fits(&network, &training, &args.dataset)?;
    let count = training.len().min(args.images as usize);
    // In canonical order, the first images are a random sample.
    let images = training.select(&(0..count).collect::<Vec<_>>());
    let quantized = quantize::quantize(&network, &weights, &images, args.method)
        .with_context(|| format!("{}: cannot quantize", args.weights.display()))?;
    let accuracy = accuracies(&network, &weights, &quantized, &validation)?;
    let worst = quantized.worst_layer().context("an int8 network has layers")?;
    check_loss(&accuracy, profile.quantization.max_loss, &worst.name, worst.own_error)?;
    let quantization = Quantization {
        fingerprints: Fingerprints::new(&network, &weights, &quantized.network)?,
        calibration: Calibration {
            images: count,
            method: args.method,
            images_sha256: sha256_hex(&images.pixels),
            data_sha256: images.sha256.clone(),
        },
        accuracy,
        logit_scale: quantized.logit_scale,
        worst_layer: worst.name.clone(),
        layers: quantized.layers,
    };
    atomic::create_dir_all(&args.out)?;
    let _lock = lock(&args.out)?;
    atomic::sweep(&args.out)?;
    quantized.network.write(&args.out, &quantization)?;
    print_line(&json::to_line(&quantization)?)
}

/// Scores the f32 weights and the int8 network on the validation images.
fn accuracies(
    network: &Network,
    weights: &Weights,
    quantized: &Quantized,
    images: &Images,
) -> Result<ValidationAccuracy> {
    let model = Model::new(network.clone(), weights, Level::detected())?;
    let floats = eval::score(&model, images)?;
    if let Some(image) = floats.first_not_finite() {
        bail!(
            "the f32 logits of validation image {image} of {} are not finite numbers, so these \
             weights have no accuracy: train the network again",
            images.len()
        );
    }
    let integers = quantize::score(&quantized.network, quantized.logit_scale, images);
    let share = |correct: usize| correct as f64 / images.len() as f64;
    Ok(ValidationAccuracy {
        images: images.len(),
        f32: share(floats.correct),
        int8: share(integers.correct),
    })
}

fn check_loss(accuracy: &ValidationAccuracy, max_loss: f64, worst: &str, error: f64) -> Result<()> {
    let loss = accuracy.f32 - accuracy.int8;
    ensure!(
        loss <= max_loss,
        "the int8 network has {:.2} % validation accuracy and the f32 network {:.2} %, a loss of \
         {:.2} points, above quantization.max_loss ({:.2} points); layer {worst} hurts most, with \
         an error of {:.1} % of its own: try another --method, more --images, or a profile \
         (--config) with a larger quantization.max_loss",
        100.0 * accuracy.int8,
        100.0 * accuracy.f32,
        100.0 * loss,
        100.0 * max_loss,
        100.0 * error
    );
    Ok(())
}
