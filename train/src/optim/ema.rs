//! The exponential moving average of the weights, which is scored and saved in place of the weights
//! if the profile sets `training.ema_decay`.

use super::transfer;
use anyhow::{Result, bail, ensure};
use candle_core::{Storage, Tensor, Var};
use common::network::weights::{Tensor as Raw, Weights};
use std::collections::BTreeMap;

/// A moving average as PyTorch's `AveragedModel` computes it: the first update copies the weights,
/// each further one moves the average towards them. The decay rises to its final value over the
/// first steps; otherwise short trainings would end near their initial weights.
#[derive(Debug)]
pub struct Ema {
    decay: f64,
    /// Number of updates.
    updates: usize,
    weights: BTreeMap<String, Vec<f32>>,
}

impl Ema {
    /// Returns an average before its first update. `decay` (0..1) is the weight of the old average
    /// in the new one.
    pub fn new(decay: f64) -> Ema {
        Ema { decay, updates: 0, weights: BTreeMap::new() }
    }

    /// Updates the average with the weights after a step.
    ///
    /// # Errors
    /// Fails if a tensor is not contiguous f32.
    pub fn update(&mut self, parameters: &BTreeMap<String, Var>) -> Result<()> {
        let share = 1.0 - self.decay.min((1 + self.updates) as f64 / (10 + self.updates) as f64);
        let tensors: Vec<Tensor> = parameters.values().map(|var| var.as_tensor().clone()).collect();
        for (name, tensor) in parameters.keys().zip(transfer::to_host(&tensors)?) {
            let (storage, layout) = tensor.storage_and_layout();
            let (Storage::Cpu(storage), Some((start, end))) =
                (&*storage, layout.contiguous_offsets())
            else {
                bail!("the average of weights needs contiguous tensors");
            };
            let weights = &storage.as_slice::<f32>()?[start..end];
            match self.weights.get_mut(name) {
                None => drop(self.weights.insert(name.clone(), weights.to_vec())),
                Some(average) => {
                    for (average, weight) in average.iter_mut().zip(weights) {
                        *average += share as f32 * (weight - *average);
                    }
                }
            }
        }
        self.updates += 1;
        Ok(())
    }

    /// Replaces the tensors of `weights` by their averages, where there are any.
    pub fn apply(&self, weights: &mut Weights) {
        for (name, average) in &self.weights {
            if let Some(tensor) = weights.0.get_mut(name) {
                tensor.data.clone_from(average);
            }
        }
    }

    /// Returns the averages by name.
    pub fn state(&self) -> Weights {
        let tensor = |(name, data): (&String, &Vec<f32>)| {
            (name.clone(), Raw { shape: vec![data.len()], data: data.clone() })
        };
        Weights(self.weights.iter().map(tensor).collect())
    }

    /// Restores a state that [`Ema::state`] returned after this number of updates.
    ///
    /// # Errors
    /// Fails if the state has no tensors although there were updates.
    pub fn restore(&mut self, state: Weights, updates: usize) -> Result<()> {
        ensure!(updates == 0 || !state.0.is_empty(), "the average of the weights is missing");
        self.updates = updates;
        self.weights = state.0.into_iter().map(|(name, tensor)| (name, tensor.data)).collect();
        Ok(())
    }
}
