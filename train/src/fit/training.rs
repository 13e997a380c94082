//! The training loop.

use super::checkpoint::Checkpoint;
use super::progress::Progress;
use super::state::State;
use crate::data::augment::Augmenter;
use crate::data::batches::{self, Batch};
use crate::data::prefetch::prefetch;
use crate::model::{Engine, Mode, Model};
use crate::optim::schedule::LearningRates;
use crate::resources::{Resources, Stopwatch};
use crate::{eval, loss};
use anyhow::{Result, bail};
use candle_core::{D, Tensor};
use common::dataset::Images;
use common::network::Network;
use common::network::weights::Weights;
use common::profile::TrainingSettings;
use common::search::genome::Optimizer as Kind;
use common::train_report::Epoch;
use process::interrupt;

/// The inputs of a training.
pub struct Training<'a> {
    /// The network to train.
    pub network: &'a Network,
    /// The engine that computes it.
    pub engine: Engine,
    /// The optimizer.
    pub optimizer: Kind,
    /// Batch size, schedule and other settings of the profile.
    pub settings: &'a TrainingSettings,
    /// Factor of the learning rates of `settings`.
    pub rate_scale: f64,
    /// Epochs of the schedule.
    pub epochs: usize,
    /// The epoch after which the training stops and is scored, to resume from its checkpoint later;
    /// `None` for the last one.
    pub stop_after: Option<usize>,
    /// Seed of shuffling, augmentation and dropout.
    pub seed: u64,
    /// The training images.
    pub images: &'a Images,
    /// The images that the result is scored on.
    pub validation: Option<&'a Images>,
}

/// The result of a training.
pub struct Trained {
    /// Final weights with recalibrated statistics; the initial weights if the training diverged.
    pub weights: Weights,
    /// One entry per completed epoch.
    pub curve: Vec<Epoch>,
    /// Accuracy of the weights on the validation images; that of guessing if the training diverged.
    pub validation_accuracy: Option<f64>,
    /// Whether the loss, its gradient, the weights, the statistics or the logits of validation
    /// images became NaN or infinite.
    pub diverged: bool,
    /// Images in the epochs of this run, without those of a run that it resumed.
    pub images: usize,
    /// Time used by this run up to the final weights.
    pub resources: Resources,
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
        let correct: Vec<u8> = logits.argmax(D::Minus1)?.eq(labels)?.to_vec1()?;
        self.loss += f64::from(loss.to_scalar::<f32>()?) * correct.len() as f64;
        self.correct += correct.iter().map(|c| usize::from(*c)).sum::<usize>();
        self.images += correct.len();
        Ok(())
    }

    fn epoch(&self, epoch: usize, learning_rate: f64) -> Epoch {
        Epoch {
            epoch,
            learning_rate,
            loss: self.loss / self.images as f64,
            train_accuracy: self.correct as f64 / self.images as f64,
            validation_accuracy: None,
        }
    }
}

impl Training<'_> {
    /// Trains from `initial` weights, or resumes from the checkpoint. The same settings and seed
    /// give the same bytes, interrupted or not. The checkpoint is written after every epoch but the
    /// last; without one, nothing is written and no progress shown.
    ///
    /// # Errors
    /// Fails if the checkpoint is invalid or cannot be written, if an operation fails, or if a
    /// termination signal is received.
    pub fn run(&self, initial: &Weights, checkpoint: Option<&Checkpoint>) -> Result<Trained> {
        let mut state = self.start(initial)?;
        checkpoint.map_or(Ok(()), |checkpoint| checkpoint.restore(&mut state))?;
        let earlier = state.curve.len();
        let stopwatch = Stopwatch::start();
        let progress = checkpoint.map(|_| Progress::new(self.epochs, self.images.len(), earlier));
        let mut finite = true;
        let end = self.stop_after.unwrap_or(self.epochs).min(self.epochs);
        while finite && state.curve.len() < end {
            finite = self.epoch(&mut state, progress.as_ref())?;
            if let Some(checkpoint) = checkpoint.filter(|_| finite && state.curve.len() < end) {
                checkpoint.save(&state)?;
            }
        }
        let model = if finite { state.finished(self.images, self.settings)? } else { None };
        let resources = stopwatch.read();
        let (model, accuracy) = self.scored(model)?;
        if let (Some(_), Some(last)) = (&model, state.curve.last_mut()) {
            last.validation_accuracy = accuracy;
        }
        if let Some(checkpoint) =
            checkpoint.filter(|_| model.is_some() && state.curve.len() < self.epochs)
        {
            checkpoint.save(&state)?;
        }
        Ok(Trained {
            weights: model.as_ref().map_or_else(|| Ok(initial.clone()), Model::weights)?,
            validation_accuracy: accuracy,
            diverged: model.is_none(),
            images: (state.curve.len() - earlier) * self.images.len(),
            curve: state.curve,
            resources,
        })
    }

    /// Checks that a training can start from `initial` weights.
    ///
    /// # Errors
    /// Fails if these are not weights of the network, or if the network or the engine cannot do
    /// what the settings say.
    pub fn check(&self, initial: &Weights) -> Result<()> {
        self.start(initial).map(drop)
    }

    fn start(&self, initial: &Weights) -> Result<State> {
        State::new(self.network, initial, self.engine.clone(), self.optimizer, self.settings)
    }

    /// Returns the expected accuracy of guessing.
    pub fn chance(&self) -> f64 {
        1.0 / self.network.classes.len() as f64
    }

    /// Returns the model and its accuracy on the validation images, if there are any. Without a
    /// model, or if a logit is not finite, returns no model and the accuracy of guessing.
    fn scored(&self, model: Option<Model>) -> Result<(Option<Model>, Option<f64>)> {
        let Some(images) = self.validation else { return Ok((model, None)) };
        let guessing = Some(self.chance());
        let Some(model) = model else { return Ok((None, guessing)) };
        let score = eval::score(&model, images)?;
        if score.first_not_finite().is_some() {
            return Ok((None, guessing));
        }
        Ok((Some(model), Some(score.correct as f64 / images.len() as f64)))
    }

    /// Trains for one pass over the images and appends it to the curve. Returns false, without an
    /// entry on the curve, if the training diverged.
    fn epoch(&self, state: &mut State, progress: Option<&Progress>) -> Result<bool> {
        let epoch = state.curve.len() + 1;
        let order = batches::shuffled(self.images.len(), self.seed, epoch);
        let augmenter = Augmenter { settings: &self.settings.augmentation, seed: self.seed, epoch };
        let batches = order.chunks(self.settings.batch).map(|indices| {
            batches::augmented_batch(self.images, indices, &self.network.input, augmenter)
        });
        let done = prefetch(batches, |batches| self.steps(state, epoch, batches, progress))?;
        let Some(mut done) = done else { return Ok(false) };
        if !state.is_finite()? {
            return Ok(false);
        }
        // The last epoch's weights are scored at the end.
        if epoch.is_multiple_of(self.settings.validate_every) && epoch < self.epochs {
            done.validation_accuracy = self.scored(state.finished(self.images, self.settings)?)?.1;
        }
        if let Some(progress) = progress {
            progress.epoch(&done);
        }
        state.curve.push(done);
        Ok(true)
    }

    /// Takes the steps of one epoch. Returns `None` if the training diverged.
    fn steps(
        &self,
        state: &mut State,
        epoch: usize,
        batches: &mut dyn Iterator<Item = Result<Batch>>,
        progress: Option<&Progress>,
    ) -> Result<Option<Epoch>> {
        let steps = self.images.len().div_ceil(self.settings.batch);
        let highest = self.settings.learning_rate.of(self.optimizer) * self.rate_scale;
        let rates = LearningRates::new(self.settings, highest, steps, self.epochs);
        let mut totals = Totals::default();
        let mut rate = 0.0;
        for (step, batch) in ((epoch - 1) * steps..).zip(batches) {
            let Batch { images, labels } = batch?;
            check_interrupt(epoch)?;
            let labels = labels.to_device(self.engine.device())?;
            rate = rates.at(step);
            let logits =
                state.model.forward(&images, Mode::Training { seed: self.seed, step })?.logits;
            let loss = loss::cross_entropy(&logits, &labels, self.settings.label_smoothing)?;
            if !state.step(&loss, rate)? {
                return Ok(None);
            }
            totals.add(&loss, &logits, &labels)?;
            if let Some(progress) = progress {
                progress.images(labels.elem_count());
            }
        }
        Ok(Some(totals.epoch(epoch, rate)))
    }
}

/// Returns unless a termination signal was received.
///
/// # Errors
/// Fails if a termination signal was received; the message names the last saved epoch.
fn check_interrupt(epoch: usize) -> Result<()> {
    if !interrupt::is_caught() {
        return Ok(());
    }
    match epoch - 1 {
        0 => bail!("interrupted during the first epoch, of which nothing is kept"),
        kept => bail!(
            "interrupted; the state after epoch {kept} is kept, and --resume goes on from there"
        ),
    }
}
