//! An exponential moving average of the weights, which is what is scored and saved where the
//! profile asks for one.

use crate::stock::host;
use anyhow::{Result, bail, ensure};
use candle_core::{Storage, Tensor, Var};
use common::weights::{Tensor as Raw, Weights};
use std::collections::BTreeMap;

/// The average as PyTorch's `AveragedModel` keeps it: the first update copies the weights, each
/// further one brings the average nearer to them. The share that stays rises from step to step up
/// to the profile's, or short trainings would end near their first weights.
#[derive(Debug)]
pub struct Average {
    decay: f64,
    /// Updates so far.
    updates: usize,
    weights: BTreeMap<String, Vec<f32>>,
}

impl Average {
    /// An average of nothing yet. `decay` (0..1) is the share of the old average in the new one.
    pub fn new(decay: f64) -> Average {
        Average { decay, updates: 0, weights: BTreeMap::new() }
    }

    /// Takes the weights after a step into the average.
    ///
    /// # Errors
    /// Tensors that are not contiguous f32.
    pub fn update(&mut self, parameters: &BTreeMap<String, Var>) -> Result<()> {
        let share = 1.0 - self.decay.min((1 + self.updates) as f64 / (10 + self.updates) as f64);
        let tensors: Vec<Tensor> = parameters.values().map(|var| var.as_tensor().clone()).collect();
        for (name, tensor) in parameters.keys().zip(host::fetched(&tensors)?) {
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

    /// `weights` with the averages in the place of the tensors that there are averages of.
    pub fn apply(&self, weights: &mut Weights) {
        for (name, average) in &self.weights {
            if let Some(tensor) = weights.0.get_mut(name) {
                tensor.data.clone_from(average);
            }
        }
    }

    /// The averages by name.
    pub fn state(&self) -> Weights {
        let tensor = |(name, data): (&String, &Vec<f32>)| {
            (name.clone(), Raw { shape: vec![data.len()], data: data.clone() })
        };
        Weights(self.weights.iter().map(tensor).collect())
    }

    /// Takes up a state that [`Average::state`] gave after so many updates.
    ///
    /// # Errors
    /// A state without a tensor after an update.
    pub fn restore(&mut self, state: Weights, updates: usize) -> Result<()> {
        ensure!(updates == 0 || !state.0.is_empty(), "the average of the weights is missing");
        self.updates = updates;
        self.weights = state.0.into_iter().map(|(name, tensor)| (name, tensor.data)).collect();
        Ok(())
    }
}
