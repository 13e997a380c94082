//! `train eval`: what trained weights are worth on a split.

use super::{Compute, check_fits};
use crate::device;
use crate::eval::{BATCH, score};
use crate::model::Model;
use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use common::dataset::{Dataset, Images, Split};
use common::hash::sha256_hex;
use common::json;
use common::network::Network;
use common::profile::Precision;
use common::stage;
use common::train_report::EvalReport;
use common::weights::{Tensor, Weights};
use std::path::PathBuf;

/// Options of `train eval`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  train eval --network runs/by-hand/network.json --weights runs/by-hand/weights.safetensors \\\n    --dataset data/digits --split test"
)]
pub(crate) struct EvalArgs {
    /// The network
    #[arg(long)]
    network: PathBuf,
    /// Its weights
    #[arg(long)]
    weights: PathBuf,
    /// Folder of the data set
    #[arg(long)]
    dataset: PathBuf,
    /// Which images
    #[arg(long)]
    split: EvalSplit,
    /// Write the logits of every image to this file (safetensors: logits, labels)
    #[arg(long)]
    dump_logits: Option<PathBuf>,
    /// Write the result to this file too
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    compute: Compute,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum EvalSplit {
    /// The validation images of the training set
    Val,
    /// The test set
    Test,
}

/// `train eval`.
pub(crate) fn eval(args: EvalArgs) -> Result<()> {
    args.compute.start()?;
    let engine = device::engine(args.compute.device, Precision::F32)?;
    let network: Network = json::read(&args.network)?;
    let weights = Weights::read(&args.weights, &network)?;
    let split = match args.split {
        EvalSplit::Val => Split::Validation,
        EvalSplit::Test => Split::Test,
    };
    let images = Dataset::load(&args.dataset, split)?;
    check_fits(&network, &images, &args.dataset)?;
    let model = Model::new(network, &weights, engine)?;
    let score = score(&model, &images).map_err(|error| device::explained(error, BATCH))?;
    if let Some(image) = score.first_not_finite() {
        bail!(
            "{}: the logits of image {image} of {} are not finite numbers, so these weights have no accuracy",
            args.weights.display(),
            images.len()
        );
    }
    if let Some(path) = &args.dump_logits {
        logits_file(&score.logits, &images)?.write(path)?;
    }
    let report = EvalReport {
        split: split.to_string(),
        images: images.len(),
        correct: score.correct,
        accuracy: score.correct as f64 / images.len() as f64,
        loss: score.loss,
        data_sha256: images.sha256.clone(),
        weights_sha256: sha256_hex(&weights.to_bytes()?),
    };
    if let Some(path) = &args.out {
        json::write(path, &report)?;
    }
    stage::print_line(&json::to_line(&report)?)
}

/// `logits` (images, classes) and `labels` (images), both f32.
fn logits_file(logits: &[Vec<f32>], images: &Images) -> Result<Weights> {
    let classes = logits.first().map_or(0, Vec::len);
    let labels = images.labels.iter().map(|label| f32::from(*label)).collect();
    let mut file = Weights::default();
    file.0.insert(
        "logits".into(),
        Tensor { shape: vec![logits.len(), classes], data: logits.concat() },
    );
    file.0.insert("labels".into(), Tensor { shape: vec![logits.len()], data: labels });
    Ok(file)
}
