//! `train quantize`: from trained weights to an int8 network.

use crate::cli::QuantizeArgs;
use crate::data::check::check_fits;
use crate::model::Model;
use crate::ops::simd::Level;
use crate::quantize::{self, Quantized};
use crate::{eval, memory, threads};
use anyhow::{Context, Error, Result, bail, ensure};
use common::dataset::{Dataset, Images, TrainingSet};
use common::files::hash::sha256_hex;
use common::files::{atomic, json};
use common::network::Network;
use common::network::weights::Weights;
use common::profile::Profile;
use common::quantized::{Calibration, Fingerprints, Outcome, Quantization, ValidationAccuracy};
use process::cli::print_line;
use process::lock::lock;

/// Runs `train quantize`.
///
/// # Errors
/// Fails, with nothing written, if an input is missing or does not fit the others. Fails too if the
/// network cannot be quantized, or if the int8 network loses too much accuracy on the validation
/// images, unless a file is named for the outcome.
pub(crate) fn quantize(args: &QuantizeArgs) -> Result<()> {
    memory::keep();
    threads::start(args.threads.map(usize::from))?;
    let mut profile: Profile = json::read_or_default(args.config.as_deref())?;
    profile.quantization.max_loss = args.max_loss.unwrap_or(profile.quantization.max_loss);
    profile.quantization.check()?;
    let inputs = Inputs::read(args)?;
    let mut outcome = Outcome {
        accepted: false,
        reason: None,
        accuracy: None,
        loss: None,
        max_loss: profile.quantization.max_loss,
        worst_layer: None,
        worst_error: None,
        weights_sha256: sha256_hex(&inputs.weights.to_bytes()?),
    };
    let quantized = match choose_integers(args, &inputs, &mut outcome)? {
        Ok(quantized) => quantized,
        Err(reason) => return refuse(args, outcome, reason),
    };
    let quantization = describe(args, &inputs, &quantized, &outcome)?;
    atomic::create_dir_all(&args.out)?;
    let _lock = lock(&args.out)?;
    atomic::sweep(&args.out)?;
    quantized.network.write(&args.out, &quantization)?;
    if let Some(path) = &args.outcome {
        json::write(path, &Outcome { accepted: true, ..outcome })?;
    }
    print_line(&json::to_line(&quantization)?)
}

/// The network, its weights and the images of a quantization.
struct Inputs {
    network: Network,
    weights: Weights,
    /// Training images by which ranges are chosen.
    images: Images,
    validation: Images,
}

impl Inputs {
    fn read(args: &QuantizeArgs) -> Result<Inputs> {
        let network: Network = json::read(&args.network)?;
        let weights = Weights::read(&args.weights, &network)?;
        let TrainingSet { training, validation, .. } = Dataset::load_training_set(&args.dataset)?;
        check_fits(&network, &training, &args.dataset)?;
        let count = training.len().min(args.images as usize);
        // In canonical order, the first images are a random sample.
        let images = training.select(&(0..count).collect::<Vec<_>>());
        Ok(Inputs { network, weights, images, validation })
    }
}

/// Quantizes the network and scores it. Returns the reason, as the inner error, if the network
/// cannot be quantized or loses too much accuracy.
fn choose_integers(
    args: &QuantizeArgs,
    inputs: &Inputs,
    outcome: &mut Outcome,
) -> Result<Result<Quantized>> {
    let Inputs { network, weights, images, validation } = inputs;
    let quantized = match quantize::quantize(network, weights, images, args.method) {
        Ok(quantized) => quantized,
        Err(error) => return Ok(Err(error.context("cannot quantize"))),
    };
    let accuracy = accuracies(network, weights, &quantized, validation)?;
    let worst = quantized.worst_layer().context("an int8 network has layers")?;
    outcome.accuracy = Some(accuracy);
    outcome.loss = Some(accuracy.f32 - accuracy.int8);
    outcome.worst_layer = Some(worst.name.clone());
    outcome.worst_error = Some(worst.own_error);
    let accepted = check_loss(&accuracy, outcome.max_loss, &worst.name, worst.own_error);
    Ok(accepted.map(|()| quantized))
}

/// Writes the reason of a refusal to the file of the outcome, and prints the outcome.
///
/// # Errors
/// Fails with the reason if there is no such file, or if it cannot be written.
fn refuse(args: &QuantizeArgs, outcome: Outcome, reason: Error) -> Result<()> {
    let Some(path) = &args.outcome else {
        return Err(reason.context(args.weights.display().to_string()));
    };
    let outcome = Outcome { reason: Some(format!("{reason:#}")), ..outcome };
    json::write(path, &outcome)?;
    print_line(&json::to_line(&outcome)?)
}

/// Returns what the integers mean, and what they cost.
fn describe(
    args: &QuantizeArgs,
    inputs: &Inputs,
    quantized: &Quantized,
    outcome: &Outcome,
) -> Result<Quantization> {
    let worst = quantized.worst_layer().context("an int8 network has layers")?;
    Ok(Quantization {
        fingerprints: Fingerprints::new(&inputs.network, &inputs.weights, &quantized.network)?,
        calibration: Calibration {
            images: inputs.images.len(),
            method: args.method,
            images_sha256: sha256_hex(&inputs.images.pixels),
            data_sha256: inputs.images.sha256.clone(),
        },
        accuracy: outcome.accuracy.context("an int8 network was scored")?,
        logit_scale: quantized.logit_scale,
        worst_layer: worst.name.clone(),
        layers: quantized.layers.clone(),
    })
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
         an error of {:.1} % of its own: try another --method, more --images, or a larger \
         quantization.max_loss in the profile (--config)",
        100.0 * accuracy.int8,
        100.0 * accuracy.f32,
        100.0 * loss,
        100.0 * max_loss,
        100.0 * error
    );
    Ok(())
}
