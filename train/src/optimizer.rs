//! The five optimizers of Table 1, each with PyTorch's update rule and default constants.

use crate::stock::host;
use crate::update::{Gradient, Rule, State, Update};
use anyhow::{Result, bail};
use candle_core::backprop::GradStore;
use candle_core::{Storage, Tensor, Var};
use common::genome::Optimizer as Kind;
use common::profile::TrainingSettings;
use common::weights::{Tensor as Raw, Weights};
use std::cell::RefCell;
use std::collections::BTreeMap;

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const NADAM_MOMENTUM_DECAY: f64 = 0.004;
/// As in `torch.nn.utils.clip_grad_norm_`.
const CLIP_EPSILON: f64 = 1e-6;

/// An optimizer with its state for every parameter.
pub struct Optimizer {
    kind: Kind,
    momentum: f64,
    weight_decay: f64,
    /// Largest norm of the gradient.
    clip: Option<f64>,
    step: i32,
    /// Product of Nadam's momenta so far.
    momentum_product: f64,
    state: BTreeMap<String, State>,
}

impl Optimizer {
    /// An optimizer at rest.
    pub fn new(kind: Kind, settings: &TrainingSettings) -> Optimizer {
        Optimizer {
            kind,
            momentum: settings.momentum,
            weight_decay: settings.weight_decay,
            clip: settings.clip_gradient_norm,
            step: 0,
            momentum_product: 1.0,
            state: BTreeMap::new(),
        }
    }

    /// The state of every parameter as tensors `first/<name>` and `second/<name>`, as far as the
    /// optimizer has them.
    pub fn state(&self) -> Weights {
        let slot = |which: &str, name: &str, data: &[f32]| {
            (format!("{which}/{name}"), Raw { shape: vec![data.len()], data: data.to_vec() })
        };
        let slots = |(name, state): (&String, &State)| {
            [slot("first", name, &state.first), slot("second", name, &state.second)]
        };
        Weights(
            self.state.iter().flat_map(slots).filter(|(_, slot)| !slot.data.is_empty()).collect(),
        )
    }

    /// Steps taken, and the product of Nadam's momenta.
    pub fn progress(&self) -> (i32, f64) {
        (self.step, self.momentum_product)
    }

    /// Takes up a state that [`Optimizer::state`] and [`Optimizer::progress`] gave.
    ///
    /// # Errors
    /// A tensor that is neither a first nor a second slot.
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

    /// Changes every parameter that has a gradient, in place, and returns the norm of all gradients
    /// together, before clipping. Where that is NaN or infinite, nothing changes. It computes on
    /// the CPU: what is elsewhere comes and goes in one transfer.
    ///
    /// # Errors
    /// Tensors that are not f32.
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
        let gradients = host::fetched(&found)?;
        let norm = norm(gradients.iter())?;
        if !norm.is_finite() {
            return Ok(norm);
        }
        self.step += 1;
        let rule = self.rule(rate);
        let factor =
            self.clip.map_or(1.0, |highest| (highest / (norm + CLIP_EPSILON)).min(1.0)) as f32;
        let vars: Vec<&Var> = named.iter().map(|(_, var)| *var).collect();
        let weights =
            host::fetched(&vars.iter().map(|var| var.as_tensor().clone()).collect::<Vec<_>>())?;
        for (((name, var), weights), gradient) in named.iter().zip(&weights).zip(&gradients) {
            let decay = if decays(var) { self.weight_decay as f32 } else { 0.0 };
            let state = RefCell::new(self.state.entry((*name).clone()).or_default());
            weights.inplace_op2(
                gradient,
                &Update { rule, gradient: Gradient { factor, decay }, state },
            )?;
        }
        host::returned(&weights, &vars)?;
        Ok(norm)
    }

    /// This step's update rule with everything that does not depend on the parameter computed.
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
                    of_gradient: (rate * (1.0 - now) / (1.0 - self.momentum_product)) as f32,
                    of_average: (rate * next / (1.0 - self.momentum_product * next)) as f32,
                    correction2: correction2 as f32,
                }
            }
        }
    }
}

/// Weight decay is for convolutions' and the classifier's weights; biases and batch normalisation
/// have one dimension.
fn decays(var: &Var) -> bool {
    var.dims().len() > 1
}

/// The square root of the sum of all elements' squares, summed in f64 in an order that depends on
/// nothing.
fn norm<'a>(tensors: impl Iterator<Item = &'a Tensor>) -> Result<f64> {
    let mut sum = 0.0;
    for tensor in tensors {
        let (storage, layout) = tensor.storage_and_layout();
        let (Storage::Cpu(storage), Some((start, end))) = (&*storage, layout.contiguous_offsets())
        else {
            bail!("the norm of a gradient needs a contiguous tensor on the CPU");
        };
        sum += sum_of_squares(&storage.as_slice::<f32>()?[start..end]);
    }
    Ok(f64::sqrt(sum))
}

/// In eight sums, which the compiler can keep in vectors.
fn sum_of_squares(values: &[f32]) -> f64 {
    let square = |x: &f32| f64::from(*x) * f64::from(*x);
    let (chunks, rest) = values.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for chunk in chunks {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *sum += square(x);
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(square).sum::<f64>()
}
