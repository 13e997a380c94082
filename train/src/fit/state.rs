//! The state of a training: everything that changes from step to step.

use crate::eval;
use crate::model::{Engine, Model};
use crate::optim::ema::Ema;
use crate::optim::optimizer::Optimizer;
use anyhow::{Context, Result};
use candle_core::Tensor;
use common::dataset::Images;
use common::network::Network;
use common::network::weights::Weights;
use common::profile::TrainingSettings;
use common::search::genome::Optimizer as Kind;
use common::train_report::Epoch;

/// The state of a training after some epochs.
pub struct State {
    /// The network with its weights.
    pub model: Model,
    /// The optimizer with its state.
    pub optimizer: Optimizer,
    /// The moving average of the weights, if the profile sets `training.ema_decay`.
    pub ema: Option<Ema>,
    /// One entry per completed epoch.
    pub curve: Vec<Epoch>,
}

impl State {
    /// Returns the state before the first step.
    ///
    /// # Errors
    /// Fails if `initial` are not weights of the network.
    pub fn new(
        network: &Network,
        initial: &Weights,
        engine: Engine,
        optimizer: Kind,
        settings: &TrainingSettings,
    ) -> Result<State> {
        let mut model = Model::new(network.clone(), initial, engine)?;
        if settings.quantize {
            model = model.rounded()?;
        }
        Ok(State {
            model,
            optimizer: Optimizer::new(optimizer, settings),
            ema: settings.ema_decay.map(Ema::new),
            curve: Vec::new(),
        })
    }

    /// Takes one optimizer step with the gradient of a loss. Returns false, without any change, if
    /// the loss or its gradient is NaN or infinite.
    ///
    /// # Errors
    /// Fails if an operation fails.
    pub fn step(&mut self, loss: &Tensor, rate: f64) -> Result<bool> {
        if !loss.to_scalar::<f32>()?.is_finite() {
            return Ok(false);
        }
        let gradients = loss.backward().context("the backward pass failed")?;
        let norm = self.optimizer.step(self.model.parameters(), &gradients, rate)?;
        if !norm.is_finite() {
            return Ok(false);
        }
        if let Some(ema) = &mut self.ema {
            ema.update(self.model.parameters())?;
        }
        Ok(true)
    }

    /// Returns whether every weight is finite.
    ///
    /// # Errors
    /// Fails if the weights cannot be copied from the device.
    pub fn is_finite(&self) -> Result<bool> {
        Ok(all_finite(&self.model.weights()?))
    }

    /// Returns the model to score and save: the averaged weights if there is an average, rounded
    /// if training is quantisation-aware, with statistics of batch normalisation recomputed over
    /// training images. Returns `None` if a
    /// weight or a statistic is not finite.
    ///
    /// # Errors
    /// Fails if an operation fails.
    pub fn finished(&self, images: &Images, settings: &TrainingSettings) -> Result<Option<Model>> {
        let mut weights = self.model.weights()?;
        if let Some(ema) = &self.ema {
            ema.apply(&mut weights);
        }
        self.model.round_weights(&mut weights);
        if !all_finite(&weights) {
            return Ok(None);
        }
        let mut model = self.model.with_weights(&weights)?;
        eval::recalibrate(&mut model, images, settings.recalibration_images, settings.batch)?;
        Ok(if all_finite(&model.weights()?) { Some(model) } else { None })
    }
}

fn all_finite(weights: &Weights) -> bool {
    weights.0.values().all(|tensor| tensor.data.iter().all(|x| x.is_finite()))
}
