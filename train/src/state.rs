//! What a training changes from step to step, and what becomes of it.

use crate::average::Average;
use crate::eval;
use crate::model::{Engine, Model};
use crate::optimizer::Optimizer;
use anyhow::{Context, Result};
use candle_core::Tensor;
use common::dataset::Images;
use common::genome::Optimizer as Kind;
use common::network::Network;
use common::profile::TrainingSettings;
use common::train_report::Epoch;
use common::weights::Weights;

/// The state of a training.
pub struct State {
    /// The network with its weights.
    pub model: Model,
    /// What changes them.
    pub optimizer: Optimizer,
    /// Their moving average, where the profile asks for one.
    pub average: Option<Average>,
    /// The epochs done.
    pub curve: Vec<Epoch>,
}

impl State {
    /// The state before the first step.
    ///
    /// # Errors
    /// Weights that are not the network's.
    pub fn new(
        network: &Network,
        initial: &Weights,
        engine: Engine,
        optimizer: Kind,
        settings: &TrainingSettings,
    ) -> Result<State> {
        Ok(State {
            model: Model::new(network.clone(), initial, engine)?,
            optimizer: Optimizer::new(optimizer, settings),
            average: settings.ema_decay.map(Average::new),
            curve: Vec::new(),
        })
    }

    /// One step down the gradient of a loss. Returns whether all is well: where the loss or its
    /// gradient is NaN or infinite, nothing changes.
    ///
    /// # Errors
    /// An operation that fails.
    pub fn step(&mut self, loss: &Tensor, rate: f64) -> Result<bool> {
        if !loss.to_scalar::<f32>()?.is_finite() {
            return Ok(false);
        }
        let gradients = loss.backward().context("the backward pass failed")?;
        let norm = self.optimizer.step(self.model.parameters(), &gradients, rate)?;
        if !norm.is_finite() {
            return Ok(false);
        }
        if let Some(average) = &mut self.average {
            average.update(self.model.parameters())?;
        }
        Ok(true)
    }

    /// Whether every weight is a finite number.
    pub fn is_finite(&self) -> Result<bool> {
        Ok(all_finite(&self.model.weights()?))
    }

    /// What would be scored and saved now: the averaged weights where there are averages, with
    /// statistics of batch normalisation taken anew over training images. `None` where something is
    /// not a finite number.
    ///
    /// # Errors
    /// An operation that fails.
    pub fn finished(&self, images: &Images, settings: &TrainingSettings) -> Result<Option<Model>> {
        let mut weights = self.model.weights()?;
        if let Some(average) = &self.average {
            average.apply(&mut weights);
        }
        if !all_finite(&weights) {
            return Ok(None);
        }
        let mut model =
            Model::new(self.model.network().clone(), &weights, self.model.engine().clone())?;
        eval::recalibrate(&mut model, images, settings.recalibration_images, settings.batch)?;
        Ok(if all_finite(&model.weights()?) { Some(model) } else { None })
    }
}

fn all_finite(weights: &Weights) -> bool {
    weights.0.values().all(|tensor| tensor.data.iter().all(|x| x.is_finite()))
}
