//! The training loop.

use crate::checkpoint::Checkpoint;
use crate::eval;
use crate::feed;
use crate::model::{Mode, Model};
use crate::ops::simd::Level;
use crate::optimizer::Optimizer;
use crate::schedule::Rates;
use anyhow::{Context, Result};
use candle_core::D;
use common::dataset::Images;
use common::genome::Optimizer as Kind;
use common::network::Network;
use common::profile::TrainingSettings;
use common::train_report::Epoch;
use common::weights::Weights;
use indicatif::ProgressBar;

/// What a training is made of.
pub struct Training<'a> {
    /// The network to train.
    pub network: &'a Network,
    /// What changes the weights.
    pub optimizer: Kind,
    /// Batch size, schedule and so on.
    pub settings: &'a TrainingSettings,
    /// Multiplies the learning rates of `settings`.
    pub rate_scale: f64,
    /// Epochs to do.
    pub epochs: usize,
    /// Seed of shuffling and dropout.
    pub seed: u64,
    /// The training images.
    pub images: &'a Images,
    /// Advanced by every image.
    pub progress: &'a ProgressBar,
    /// Kept after every epoch but the last; where there is one, the training goes on from it.
    pub checkpoint: &'a Checkpoint,
}

/// What a training made.
pub struct Trained {
    /// Final weights with recalibrated statistics; the initial ones if the training diverged.
    pub weights: Weights,
    /// One entry per epoch that was completed.
    pub curve: Vec<Epoch>,
    /// Whether the loss or the statistics became NaN or infinite.
    pub diverged: bool,
}

/// Sums over an epoch.
#[derive(Default)]
struct Totals {
    loss: f64,
    correct: usize,
    images: usize,
}

impl Training<'_> {
    /// Trains from `initial` weights. The same settings and seed give the same bytes.
    pub fn run(&self, initial: &Weights) -> Result<Trained> {
        let mut model = Model::new(self.network.clone(), initial, Level::detected())?;
        let mut optimizer = Optimizer::new(self.optimizer, self.settings);
        let mut curve = self.checkpoint.restore(&mut model, &mut optimizer)?;
        self.progress.inc((curve.len() * self.images.len()) as u64);
        for epoch in curve.len() + 1..=self.epochs {
            match self.epoch(&model, &mut optimizer, epoch)? {
                Some(done) => {
                    self.progress.set_message(format!("epoch {epoch}/{}, loss {:.4}", self.epochs, done.loss));
                    curve.push(done);
                }
                None => return Ok(Trained { weights: initial.clone(), curve, diverged: true }),
            }
            if epoch < self.epochs {
                self.checkpoint.save(&model, &optimizer, &curve)?;
            }
        }
        eval::recalibrate(&mut model, self.images, self.settings.recalibration_images, self.settings.batch)?;
        let weights = model.weights()?;
        if weights.0.values().all(|tensor| tensor.data.iter().all(|x| x.is_finite())) {
            Ok(Trained { weights, curve, diverged: false })
        } else {
            Ok(Trained { weights: initial.clone(), curve, diverged: true })
        }
    }

    /// One pass over the images; `None` when the loss is no longer a number.
    fn epoch(&self, model: &Model, optimizer: &mut Optimizer, epoch: usize) -> Result<Option<Epoch>> {
        let order = feed::shuffled(self.images.len(), self.seed, epoch);
        let steps = self.images.len().div_ceil(self.settings.batch);
        let highest = self.settings.learning_rate.of(self.optimizer) * self.rate_scale;
        let rates = Rates::new(self.settings, highest, steps, self.epochs);
        let mut totals = Totals::default();
        let mut rate = 0.0;
        for (in_epoch, indices) in order.chunks(self.settings.batch).enumerate() {
            let step = (epoch - 1) * steps + in_epoch;
            rate = rates.at(step);
            let loss = self.step(model, optimizer, indices, step, rate, &mut totals)?;
            if !loss.is_finite() {
                return Ok(None);
            }
            self.progress.inc(indices.len() as u64);
        }
        Ok(Some(Epoch {
            epoch,
            learning_rate: rate,
            loss: totals.loss / totals.images as f64,
            train_accuracy: totals.correct as f64 / totals.images as f64,
        }))
    }

    fn step(
        &self,
        model: &Model,
        optimizer: &mut Optimizer,
        indices: &[usize],
        step: usize,
        rate: f64,
        totals: &mut Totals,
    ) -> Result<f64> {
        let batch = feed::batch(self.images, indices, &self.network.input)?;
        let labels = feed::labels(self.images, indices)?;
        let logits = model.forward(&batch, Mode::Training { seed: self.seed, step })?.logits;
        let loss = eval::cross_entropy(&logits, &labels)?;
        let value = f64::from(loss.to_scalar::<f32>()?);
        let right: Vec<u8> = logits.argmax(D::Minus1)?.eq(&labels)?.to_vec1()?;
        totals.loss += value * indices.len() as f64;
        totals.correct += right.iter().map(|r| usize::from(*r)).sum::<usize>();
        totals.images += indices.len();
        if value.is_finite() {
            let gradients = loss.backward().context("the backward pass failed")?;
            optimizer.step(model.parameters(), &gradients, rate)?;
        }
        Ok(value)
    }
}
