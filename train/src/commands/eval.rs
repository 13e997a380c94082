//! `train eval`: accuracy and loss of trained weights on a split.

use crate::cli::{EvalArgs, EvalSplit};
use crate::data::check::check_fits;
use crate::eval::{BATCH, score};
use crate::model::Model;
use crate::{device, memory, mistakes, quantize, threads};
use anyhow::{Result, bail, ensure};
use common::dataset::{Dataset, Images, Split};
use common::device::Device;
use common::eval_report::EvalReport;
use common::files::hash::sha256_hex;
use common::files::json;
use common::network::Network;
use common::network::reference::class_of;
use common::network::weights::{Tensor, Weights};
use common::profile::Precision;
use common::quantized::{self, QuantizedNetwork};
use process::cli::print_line;
use std::path::Path;

/// Runs `train eval`.
///
/// # Errors
/// Fails if an input is missing or does not fit the others, if a logit is not finite, or if a file
/// cannot be written.
pub(crate) fn eval(args: EvalArgs) -> Result<()> {
    memory::keep();
    threads::start(args.compute.threads.map(usize::from))?;
    let network: Network = json::read(&args.network)?;
    let weights = args.weights.as_deref().map(|path| Weights::read(path, &network)).transpose()?;
    let split = match args.split {
        EvalSplit::Val => Split::Validation,
        EvalSplit::Test => Split::Test,
    };
    let images = Dataset::load(&args.dataset, split)?;
    check_fits(&network, &images, &args.dataset)?;
    let classes = network.classes.len();
    let scored = match (&args.quantized, weights) {
        (Some(folder), weights) => integers(&args, folder, &network, weights.as_ref(), &images)?,
        (None, Some(weights)) => floats(&args, network, &weights, &images)?,
        (None, None) => bail!("--weights or --quantized is needed"),
    };
    let report = EvalReport {
        split: split.to_string(),
        images: images.len(),
        correct: scored.correct,
        accuracy: scored.correct as f64 / images.len() as f64,
        loss: scored.loss,
        data_sha256: images.sha256.clone(),
        weights_sha256: scored.weights_sha256,
        confusion: None,
        wrong: None,
        examples: None,
    };
    if let Some(path) = &args.out {
        let report = report.clone();
        let report = match args.split {
            EvalSplit::Val => report,
            EvalSplit::Test => mistakes::listed(report, &images, &scored.predicted, classes)?,
        };
        json::write(path, &report)?;
    }
    print_line(&json::to_line(&report)?)
}

/// What the report says of a score.
struct Scored {
    correct: usize,
    /// Class of each image.
    predicted: Vec<usize>,
    loss: f64,
    weights_sha256: String,
}

/// Scores f32 weights.
fn floats(args: &EvalArgs, network: Network, weights: &Weights, images: &Images) -> Result<Scored> {
    let engine = device::engine(args.compute.device, Precision::F32)?;
    let model = Model::new(network, weights, engine)?;
    let score = score(&model, images).map_err(|error| device::explain(error, BATCH))?;
    if let Some(image) = score.first_not_finite() {
        bail!(
            "{}: the logits of image {image} of {} are not finite numbers, so these weights have \
             no accuracy",
            args.weights.as_deref().unwrap_or(Path::new("")).display(),
            images.len()
        );
    }
    if let Some(path) = &args.dump_logits {
        logits_file(&score.logits, images).write(path)?;
    }
    Ok(Scored {
        correct: score.correct,
        predicted: score.logits.iter().map(|row| class_of(row)).collect(),
        loss: score.loss,
        weights_sha256: sha256_hex(&weights.to_bytes()?),
    })
}

/// Scores an int8 network, which must be made of `weights` if they are given.
fn integers(
    args: &EvalArgs,
    folder: &Path,
    network: &Network,
    weights: Option<&Weights>,
    images: &Images,
) -> Result<Scored> {
    ensure!(
        args.compute.device == Device::Cpu,
        "--device {}: int8 networks are scored on the processor only: leave the option out",
        args.compute.device
    );
    let (int8, quantization) = QuantizedNetwork::read(folder, network)?;
    if let Some(weights) = weights {
        ensure!(
            sha256_hex(&weights.to_bytes()?) == quantization.fingerprints.weights_sha256,
            "{}: this int8 network was not made of the given weights: leave --weights out, or run \
             `train quantize` with them",
            folder.display()
        );
    }
    let score = quantize::score(&int8, quantization.logit_scale, images);
    if let Some(path) = &args.dump_logits {
        quantize::write_logits(path, &score.logits, &images.labels)?;
    }
    Ok(Scored {
        correct: score.correct,
        predicted: score.logits.iter().map(|row| quantized::class_of(row)).collect(),
        loss: score.loss,
        weights_sha256: quantization.fingerprints.tensors_sha256,
    })
}

/// Returns the tensors `logits` (images, classes) and `labels` (images), both f32.
fn logits_file(logits: &[Vec<f32>], images: &Images) -> Weights {
    let classes = logits.first().map_or(0, Vec::len);
    let labels = images.labels.iter().map(|label| f32::from(*label)).collect();
    let mut file = Weights::default();
    file.0.insert(
        "logits".into(),
        Tensor { shape: vec![logits.len(), classes], data: logits.concat() },
    );
    file.0.insert("labels".into(), Tensor { shape: vec![logits.len()], data: labels });
    file
}
