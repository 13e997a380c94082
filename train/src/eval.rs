//! Scoring: accuracy and loss of a model on a split, and the recalibration of batch normalisation's
//! statistics before it.

use crate::data::batches;
use crate::model::{Mode, Model};
use crate::ops::statistics::Statistics;
use anyhow::Result;
use common::dataset::Images;
use common::network::reference::class_of;
use std::collections::BTreeMap;

/// Images computed at a time. The number does not change the results.
pub const BATCH: usize = 64;

/// The score of a model on some images.
pub struct Score {
    /// Number of images classified correctly.
    pub correct: usize,
    /// Mean cross-entropy.
    pub loss: f64,
    /// The logits of each image.
    pub logits: Vec<Vec<f32>>,
}

impl Score {
    /// Returns the first image with a logit that is NaN or infinite. With such an image the score
    /// has no meaning, because no class is the largest.
    pub fn first_not_finite(&self) -> Option<usize> {
        self.logits.iter().position(|row| row.iter().any(|logit| !logit.is_finite()))
    }
}

/// Scores a model with its running statistics.
///
/// # Errors
/// Fails if the images do not fit the network, or if an operation fails.
pub fn score(model: &Model, images: &Images) -> Result<Score> {
    let (mut correct, mut losses) = (0, Vec::with_capacity(images.len()));
    let mut logits = Vec::with_capacity(images.len());
    let indices: Vec<usize> = (0..images.len()).collect();
    for indices in indices.chunks(BATCH) {
        let batch = batches::batch(images, indices, &model.network().input)?;
        let rows: Vec<Vec<f32>> = model.forward(&batch, Mode::Evaluation)?.logits.to_vec2()?;
        for (&index, row) in indices.iter().zip(rows) {
            let label = usize::from(images.labels[index]);
            correct += usize::from(class_of(&row) == label);
            losses.push(cross_entropy_of(&row, label));
            logits.push(row);
        }
    }
    // Float sums depend on the order of their terms; sorting makes the mean independent of the
    // order of the images.
    losses.sort_by(f64::total_cmp);
    Ok(Score { correct, loss: losses.iter().sum::<f64>() / images.len() as f64, logits })
}

fn cross_entropy_of(logits: &[f32], label: usize) -> f64 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|x| f64::from(x - largest).exp()).sum();
    sum.ln() - f64::from(logits[label] - largest)
}

/// Recomputes batch normalisation's statistics over the first `count` images, which in the
/// canonical order of a training set are a random sample. Running averages would lag behind the
/// weights in short trainings and corrupt the score.
///
/// # Errors
/// Fails if the images do not fit the network, or if an operation fails.
pub fn recalibrate(
    model: &mut Model,
    images: &Images,
    count: usize,
    batch_size: usize,
) -> Result<()> {
    let indices: Vec<usize> = (0..count.min(images.len())).collect();
    let mut recorded: Vec<BTreeMap<String, Statistics>> = Vec::new();
    for indices in indices.chunks(batch_size) {
        // A smaller last batch would distort the mean over batches.
        if indices.len() == batch_size || recorded.is_empty() {
            let batch = batches::batch(images, indices, &model.network().input)?;
            recorded.push(model.forward(&batch, Mode::Statistics)?.statistics);
        }
    }
    let names: Vec<String> = recorded[0].keys().cloned().collect();
    for name in names {
        let seen: Vec<Statistics> = recorded.iter().map(|batch| batch[&name].clone()).collect();
        model.set_running(&name, mean_statistics(&seen));
    }
    Ok(())
}

fn mean_statistics(batches: &[Statistics]) -> Statistics {
    let mean_over = |of_batch: &dyn Fn(&Statistics) -> Vec<f32>| -> Vec<f32> {
        let rows: Vec<Vec<f32>> = batches.iter().map(of_batch).collect();
        let mean =
            |c: usize| rows.iter().map(|row| f64::from(row[c])).sum::<f64>() / rows.len() as f64;
        (0..rows[0].len()).map(|c| mean(c) as f32).collect()
    };
    Statistics {
        mean: mean_over(&|s| s.mean.clone()),
        variance: mean_over(&|s| s.unbiased_variance().collect()),
        count: batches.iter().map(|s| s.count).sum(),
    }
}
