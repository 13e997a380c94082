//! `train eval`: accuracy and loss of trained weights on a split.

use crate::cli::{EvalArgs, EvalSplit};
use crate::data::check::check_fits;
use crate::eval::{BATCH, score};
use crate::model::Model;
use crate::{device, memory, threads};
use anyhow::{Result, bail};
use common::dataset::{Dataset, Images, Split};
use common::files::hash::sha256_hex;
use common::files::json;
use common::network::Network;
use common::network::weights::{Tensor, Weights};
use common::profile::Precision;
use common::train_report::EvalReport;
use process::cli::print_line;

/// Runs `train eval`.
///
/// # Errors
/// Fails if an input is missing or does not fit the others, if a logit is not finite, or if a file
/// cannot be written.
pub(crate) fn eval(args: EvalArgs) -> Result<()> {
    memory::keep();
    threads::start(args.compute.threads.map(usize::from))?;
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
    let score = score(&model, &images).map_err(|error| device::explain(error, BATCH))?;
    if let Some(image) = score.first_not_finite() {
        bail!(
            "{}: the logits of image {image} of {} are not finite numbers, so these weights have \
             no accuracy",
            args.weights.display(),
            images.len()
        );
    }
    if let Some(path) = &args.dump_logits {
        logits_file(&score.logits, &images).write(path)?;
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
    print_line(&json::to_line(&report)?)
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
