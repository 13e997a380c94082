//! The training loop.

use crate::ahead::ahead;
use crate::augment::Augmenter;
use crate::checkpoint::Checkpoint;
use crate::eval;
use crate::feed::{self, Batch};
use crate::model::Mode;
use crate::schedule::Rates;
use crate::state::State;
use anyhow::Result;
use candle_core::{D, Tensor};
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
    /// Whether the loss, its gradient, the weights or the statistics became NaN or infinite.
    pub diverged: bool,
}

impl Trained {
    fn diverged(initial: &Weights, state: State) -> Trained {
        Trained { weights: initial.clone(), curve: state.curve, diverged: true }
    }
}

/// Sums over an epoch.
#[derive(Default)]
struct Totals {
    loss: f64,
    correct: usize,
    images: usize,
}

impl Totals {
    fn add(&mut self, loss: &Tensor, logits: &Tensor, labels: &Tensor) -> Result<()> {
        let right: Vec<u8> = logits.argmax(D::Minus1)?.eq(labels)?.to_vec1()?;
        self.loss += f64::from(loss.to_scalar::<f32>()?) * right.len() as f64;
        self.correct += right.iter().map(|r| usize::from(*r)).sum::<usize>();
        self.images += right.len();
        Ok(())
    }

    fn epoch(&self, epoch: usize, learning_rate: f64) -> Epoch {
        Epoch {
            epoch,
            learning_rate,
            loss: self.loss / self.images as f64,
            train_accuracy: self.correct as f64 / self.images as f64,
        }
    }
}

impl Training<'_> {
    /// Trains from `initial` weights. The same settings and seed give the same bytes.
    ///
    /// # Errors
    /// A checkpoint that cannot be gone on from or written, or an operation that fails.
    pub fn run(&self, initial: &Weights) -> Result<Trained> {
        let mut state = State::new(self.network, initial, self.optimizer, self.settings)?;
        self.checkpoint.restore(&mut state)?;
        self.progress.inc((state.curve.len() * self.images.len()) as u64);
        for epoch in state.curve.len() + 1..=self.epochs {
            if !self.epoch(&mut state, epoch)? {
                return Ok(Trained::diverged(initial, state));
            }
            if epoch < self.epochs {
                self.checkpoint.save(&state)?;
            }
        }
        match state.finished(self.images, self.settings)? {
            Some(model) => Ok(Trained { weights: model.weights()?, curve: state.curve, diverged: false }),
            None => Ok(Trained::diverged(initial, state)),
        }
    }

    /// One pass over the images. Returns whether all is well; an epoch in which the training diverged is not on the curve.
    fn epoch(&self, state: &mut State, epoch: usize) -> Result<bool> {
        let order = feed::shuffled(self.images.len(), self.seed, epoch);
        let augmenter = Augmenter { settings: &self.settings.augmentation, seed: self.seed, epoch };
        let batches = order
            .chunks(self.settings.batch)
            .map(|indices| feed::augmented_batch(self.images, indices, &self.network.input, augmenter));
        let Some(done) = ahead(batches, |batches| self.steps(state, epoch, batches))? else {
            return Ok(false);
        };
        self.progress.set_message(format!("epoch {epoch}/{}, loss {:.4}", self.epochs, done.loss));
        state.curve.push(done);
        state.is_finite()
    }

    /// The steps of one epoch; `None` when the training diverged.
    fn steps(
        &self,
        state: &mut State,
        epoch: usize,
        batches: &mut dyn Iterator<Item = Result<Batch>>,
    ) -> Result<Option<Epoch>> {
        let steps = self.images.len().div_ceil(self.settings.batch);
        let highest = self.settings.learning_rate.of(self.optimizer) * self.rate_scale;
        let rates = Rates::new(self.settings, highest, steps, self.epochs);
        let mut totals = Totals::default();
        let mut rate = 0.0;
        for (step, batch) in ((epoch - 1) * steps..).zip(batches) {
            let Batch { images, labels } = batch?;
            rate = rates.at(step);
            let logits = state.model.forward(&images, Mode::Training { seed: self.seed, step })?.logits;
            let loss = eval::smoothed_cross_entropy(&logits, &labels, self.settings.label_smoothing)?;
            if !state.step(&loss, rate)? {
                return Ok(None);
            }
            totals.add(&loss, &logits, &labels)?;
            self.progress.inc(labels.elem_count() as u64);
        }
        Ok(Some(totals.epoch(epoch, rate)))
    }
}
