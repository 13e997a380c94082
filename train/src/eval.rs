//! Scoring: accuracy and loss of a model on a split, and batch normalisation's statistics before
//! that.

use crate::feed;
use crate::model::{Mode, Model};
use crate::ops::statistics::Statistics;
use anyhow::Result;
use candle_core::Tensor;
use common::dataset::Images;
use common::reference::class_of;
use std::collections::BTreeMap;

/// Images computed at a time. It has no influence on the results.
pub const BATCH: usize = 64;

/// How a model did on some images.
pub struct Score {
    /// Images classified correctly.
    pub correct: usize,
    /// Mean cross-entropy.
    pub loss: f64,
    /// The logits of each image.
    pub logits: Vec<Vec<f32>>,
}

impl Score {
    /// The first image with a logit that is NaN or infinite: then the score says nothing, for no
    /// class is the largest.
    pub fn first_not_finite(&self) -> Option<usize> {
        self.logits.iter().position(|row| row.iter().any(|logit| !logit.is_finite()))
    }
}

/// Scores a model with its running statistics.
pub fn score(model: &Model, images: &Images) -> Result<Score> {
    let (mut correct, mut losses) = (0, Vec::with_capacity(images.len()));
    let mut logits = Vec::with_capacity(images.len());
    let indices: Vec<usize> = (0..images.len()).collect();
    for indices in indices.chunks(BATCH) {
        let batch = feed::batch(images, indices, &model.network().input)?;
        let rows: Vec<Vec<f32>> = model.forward(&batch, Mode::Evaluation)?.logits.to_vec2()?;
        for (&index, row) in indices.iter().zip(rows) {
            let label = usize::from(images.labels[index]);
            correct += usize::from(class_of(&row) == label);
            losses.push(cross_entropy_of(&row, label));
            logits.push(row);
        }
    }
    // Sums of floats depend on the order of their terms, but the mean must not on the order of the
    // images.
    losses.sort_by(f64::total_cmp);
    Ok(Score { correct, loss: losses.iter().sum::<f64>() / images.len() as f64, logits })
}

/// The mean cross-entropy of a batch as a differentiable scalar. `logits` (batch, classes),
/// `labels` (batch).
pub fn cross_entropy(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    smoothed_cross_entropy(logits, labels, 0.0)
}

/// The same with a share (0..1) of each image's label spread evenly over all classes, as PyTorch's
/// `label_smoothing` (Szegedy et al. 2016).
pub fn smoothed_cross_entropy(logits: &Tensor, labels: &Tensor, smoothing: f64) -> Result<Tensor> {
    let shifted = logits.broadcast_sub(&logits.max_keepdim(1)?.detach())?;
    let log_sum = shifted.exp()?.sum_keepdim(1)?.log()?;
    let log_probabilities = shifted.broadcast_sub(&log_sum)?;
    let of_labels = log_probabilities.gather(&labels.unsqueeze(1)?, 1)?.mean_all()?.neg()?;
    if smoothing == 0.0 {
        return Ok(of_labels);
    }
    let of_all = log_probabilities.mean_all()?.neg()?;
    Ok(((of_labels * (1.0 - smoothing))? + (of_all * smoothing)?)?)
}

fn cross_entropy_of(logits: &[f32], label: usize) -> f64 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|x| f64::from(x - largest).exp()).sum();
    sum.ln() - f64::from(logits[label] - largest)
}

/// Takes batch normalisation's statistics anew over the first `count` images, which in the
/// canonical order of a training set are a random sample of it: running averages lag behind the
/// weights in short trainings and corrupt the score.
pub fn recalibrate(
    model: &mut Model,
    images: &Images,
    count: usize,
    batch_size: usize,
) -> Result<()> {
    let indices: Vec<usize> = (0..count.min(images.len())).collect();
    let mut batches: Vec<BTreeMap<String, Statistics>> = Vec::new();
    for indices in indices.chunks(batch_size) {
        // A rest of a few images would distort the mean of the batches.
        if indices.len() == batch_size || batches.is_empty() {
            let batch = feed::batch(images, indices, &model.network().input)?;
            batches.push(model.forward(&batch, Mode::Statistics)?.statistics);
        }
    }
    let names: Vec<String> = batches[0].keys().cloned().collect();
    for name in names {
        let seen: Vec<Statistics> = batches.iter().map(|b| b[&name].clone()).collect();
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
