//! The five optimizers of Table 1, each with PyTorch's update rule and default constants.

use super::clipping::{clip_factor, norm};
use super::transfer;
use super::update::{GradientTransform, ParameterState, Rule, Update};
use anyhow::{Result, bail};
use candle_core::Var;
use candle_core::backprop::GradStore;
use common::network::weights::{Tensor as Raw, Weights};
use common::profile::TrainingSettings;
use common::search::genome::Optimizer as Kind;
use std::cell::RefCell;
use std::collections::BTreeMap;

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const NADAM_MOMENTUM_DECAY: f64 = 0.004;

/// An optimizer with its state for every parameter.
pub struct Optimizer {
    kind: Kind,
    momentum: f64,
    weight_decay: f64,
    /// Largest norm of the gradient of all parameters together.
    max_norm: Option<f64>,
    step: i32,
    /// Product of Nadam's momenta up to this step.
    momentum_product: f64,
    state: BTreeMap<String, ParameterState>,
}

impl Optimizer {
    /// Returns an optimizer before its first step.
    pub fn new(kind: Kind, settings: &TrainingSettings) -> Optimizer {
        Optimizer {
            kind,
            momentum: settings.momentum,
            weight_decay: settings.weight_decay,
            max_norm: settings.clip_gradient_norm,
            step: 0,
            momentum_product: 1.0,
            state: BTreeMap::new(),
        }
    }

    /// Returns the state of every parameter as tensors `first/<name>` and `second/<name>`. Tensors
    /// that the update rule does not use are left out.
    pub fn state(&self) -> Weights {
        let slot = |which: &str, name: &str, data: &[f32]| {
            (format!("{which}/{name}"), Raw { shape: vec![data.len()], data: data.to_vec() })
        };
        let slots = |(name, state): (&String, &ParameterState)| {
            [slot("first", name, &state.first), slot("second", name, &state.second)]
        };
        Weights(
            self.state.iter().flat_map(slots).filter(|(_, slot)| !slot.data.is_empty()).collect(),
        )
    }

    /// Returns the number of steps taken and the product of Nadam's momenta.
    pub fn progress(&self) -> (i32, f64) {
        (self.step, self.momentum_product)
    }

    /// Restores a state that [`Optimizer::state`] and [`Optimizer::progress`] returned.
    ///
    /// # Errors
    /// Fails if a tensor's name begins neither with `first/` nor with `second/`.
    pub fn restore(&mut self, tensors: Weights, step: i32, momentum_product: f64) -> Result<()> {
        (self.step, self.momentum_product) = (step, momentum_product);
        self.state.clear();
        for (key, tensor) in tensors.0 {
            let (which, name) = key.split_once('/').unwrap_or(("", ""));
            let state = self.state.entry(name.to_string()).or_default();
            match which {
                "first" => state.first = tensor.data,
                "second" => state.second = tensor.data,
                _ => bail!("the tensor {key} is not part of an optimizer's state"),
            }
        }
        Ok(())
    }

    /// Updates every parameter that has a gradient, in place, and returns the norm of all gradients
    /// together, before clipping. Changes nothing if that norm is NaN or infinite. Computes on the
    /// CPU; tensors of another device are copied in one transfer each way.
    ///
    /// # Errors
    /// Fails if a tensor is not f32.
    pub fn step(
        &mut self,
        parameters: &BTreeMap<String, Var>,
        gradients: &GradStore,
        rate: f64,
    ) -> Result<f64> {
        let (mut named, mut found) =
            (Vec::with_capacity(parameters.len()), Vec::with_capacity(parameters.len()));
        for (name, var) in parameters {
            if let Some(gradient) = gradients.get(var) {
                named.push((name, var));
                found.push(gradient.contiguous()?);
            }
        }
        let gradients = transfer::to_host(&found)?;
        let norm = norm(gradients.iter())?;
        if !norm.is_finite() {
            return Ok(norm);
        }
        self.step += 1;
        let rule = self.rule(rate);
        let factor = clip_factor(norm, self.max_norm) as f32;
        let vars: Vec<&Var> = named.iter().map(|(_, var)| *var).collect();
        let weights =
            transfer::to_host(&vars.iter().map(|var| var.as_tensor().clone()).collect::<Vec<_>>())?;
        for (((name, var), weights), gradient) in named.iter().zip(&weights).zip(&gradients) {
            let decay = if decays(var) { self.weight_decay as f32 } else { 0.0 };
            let state = RefCell::new(self.state.entry((*name).clone()).or_default());
            weights.inplace_op2(
                gradient,
                &Update { rule, transform: GradientTransform { factor, decay }, state },
            )?;
        }
        transfer::from_host(&weights, &vars)?;
        Ok(norm)
    }

    /// Returns the update rule of this step with all factors that are common to the parameters.
    fn rule(&mut self, rate: f64) -> Rule {
        let correction1 = 1.0 - BETA1.powi(self.step);
        let correction2 = 1.0 - BETA2.powi(self.step);
        match self.kind {
            Kind::Sgd => Rule::Sgd { rate: rate as f32, momentum: self.momentum as f32 },
            Kind::Adagrad => Rule::Adagrad { rate: rate as f32 },
            Kind::Adam => Rule::Adam {
                rate: (rate / correction1) as f32,
                correction2: correction2.sqrt() as f32,
            },
            Kind::Adamax => Rule::Adamax { rate: (rate / correction1) as f32 },
            Kind::Nadam => {
                let momentum = |step: i32| {
                    BETA1 * (1.0 - 0.5 * 0.96f64.powf(f64::from(step) * NADAM_MOMENTUM_DECAY))
                };
                let (now, next) = (momentum(self.step), momentum(self.step + 1));
                self.momentum_product *= now;
                Rule::Nadam {
                    gradient_rate: (rate * (1.0 - now) / (1.0 - self.momentum_product)) as f32,
                    average_rate: (rate * next / (1.0 - self.momentum_product * next)) as f32,
                    correction2: correction2 as f32,
                }
            }
        }
    }
}

/// Returns whether weight decay applies to a parameter: to the weights of convolutions and of the
/// classifier, not to biases and batch normalisation, which have one dimension.
fn decays(var: &Var) -> bool {
    var.dims().len() > 1
}
