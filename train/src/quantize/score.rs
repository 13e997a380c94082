//! Scoring with the integer reference, on all cores.

use anyhow::Result;
use common::dataset::Images;
use common::files::atomic;
use common::quantized::{QuantizedNetwork, class_of};
use rayon::prelude::*;
use safetensors::tensor::{Dtype, TensorView};
use std::path::Path;

/// The score of an int8 network on some images.
pub struct IntegerScore {
    /// Number of images classified correctly.
    pub correct: usize,
    /// Mean cross-entropy.
    pub loss: f64,
    /// The logits of each image.
    pub logits: Vec<Vec<i32>>,
}

/// Scores an int8 network whose logits are in units of `logit_scale`.
pub fn score(network: &QuantizedNetwork, logit_scale: f64, images: &Images) -> IntegerScore {
    let logits: Vec<Vec<i32>> = (0..images.len())
        .into_par_iter()
        .map(|image| network.logits(images.image(image)))
        .collect();
    let rows = logits.iter().zip(&images.labels);
    let correct = rows.clone().filter(|(row, label)| class_of(row) == usize::from(**label)).count();
    let mut losses: Vec<f64> = rows
        .map(|(row, label)| {
            let real: Vec<f64> = row.iter().map(|logit| f64::from(*logit) * logit_scale).collect();
            let largest = real.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = real.iter().map(|logit| (logit - largest).exp()).sum();
            sum.ln() - (real[usize::from(*label)] - largest)
        })
        .collect();
    // A sum of floats depends on its order; sorted, it does not depend on that of the images.
    losses.sort_by(f64::total_cmp);
    IntegerScore { correct, loss: losses.iter().sum::<f64>() / images.len() as f64, logits }
}

/// Writes the tensors `logits` (images, classes), i32, and `labels` (images), f32, to a safetensors
/// file.
///
/// # Errors
/// Fails if the file cannot be written.
pub fn write_logits(path: &Path, logits: &[Vec<i32>], labels: &[u16]) -> Result<()> {
    let classes = logits.first().map_or(0, Vec::len);
    let logit_bytes: Vec<u8> =
        logits.iter().flatten().flat_map(|logit| logit.to_le_bytes()).collect();
    let label_bytes: Vec<u8> =
        labels.iter().flat_map(|label| f32::from(*label).to_le_bytes()).collect();
    let shape = vec![logits.len(), classes];
    let views = [
        ("labels", TensorView::new(Dtype::F32, vec![labels.len()], &label_bytes)?),
        ("logits", TensorView::new(Dtype::I32, shape, &logit_bytes)?),
    ];
    atomic::write(path, &safetensors::serialize(views, None)?)
}
