//! The five optimizers of Table 1, each with PyTorch's update rule and default constants.

use anyhow::{Result, bail};
use candle_core::backprop::GradStore;
use candle_core::{Tensor, Var};
use common::genome::Optimizer as Kind;
use common::profile::TrainingSettings;
use common::weights::{Tensor as Raw, Weights};
use std::collections::BTreeMap;

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;
const ADAGRAD_EPSILON: f64 = 1e-10;
const NADAM_MOMENTUM_DECAY: f64 = 0.004;

/// An optimizer with its state for every parameter.
pub struct Optimizer {
    kind: Kind,
    momentum: f64,
    weight_decay: f64,
    step: i32,
    /// Product of Nadam's momenta so far.
    momentum_product: f64,
    state: BTreeMap<String, State>,
}

/// What an optimizer remembers of one parameter; each kind gives the two slots its own meaning.
#[derive(Default)]
struct State {
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Optimizer {
    /// An optimizer at rest.
    pub fn new(kind: Kind, settings: &TrainingSettings) -> Optimizer {
        Optimizer {
            kind,
            momentum: settings.momentum,
            weight_decay: settings.weight_decay,
            step: 0,
            momentum_product: 1.0,
            state: BTreeMap::new(),
        }
    }

    /// The state of every parameter as tensors `first/<name>` and `second/<name>`.
    pub fn state(&self) -> Weights {
        let slot = |which: &str, name: &str, data: &[f32]| {
            (format!("{which}/{name}"), Raw { shape: vec![data.len()], data: data.to_vec() })
        };
        let slots =
            |(name, state): (&String, &State)| [slot("first", name, &state.first), slot("second", name, &state.second)];
        Weights(self.state.iter().flat_map(slots).collect())
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

    /// Changes every parameter that has a gradient.
    pub fn step(&mut self, parameters: &BTreeMap<String, Var>, gradients: &GradStore, rate: f64) -> Result<()> {
        self.step += 1;
        let rule = self.rule(rate);
        for (name, var) in parameters {
            let Some(gradient) = gradients.get(var) else { continue };
            let mut values: Vec<f32> = var.flatten_all()?.to_vec1()?;
            let mut gradient: Vec<f32> = gradient.flatten_all()?.to_vec1()?;
            if self.weight_decay > 0.0 && decays(var) {
                gradient.iter_mut().zip(&values).for_each(|(g, w)| *g += self.weight_decay as f32 * w);
            }
            let state = self.state.entry(name.clone()).or_default();
            state.first.resize(values.len(), 0.0);
            state.second.resize(values.len(), 0.0);
            rule.apply(&mut values, &gradient, state);
            var.set(&Tensor::from_vec(values, var.shape(), var.device())?)?;
        }
        Ok(())
    }

    /// This step's update rule with everything that does not depend on the parameter computed.
    fn rule(&mut self, rate: f64) -> Rule {
        let correction1 = 1.0 - BETA1.powi(self.step);
        let correction2 = 1.0 - BETA2.powi(self.step);
        match self.kind {
            Kind::Sgd => Rule::Sgd { rate: rate as f32, momentum: self.momentum as f32, first: self.step == 1 },
            Kind::Adagrad => Rule::Adagrad { rate: rate as f32 },
            Kind::Adam => Rule::Adam { rate: (rate / correction1) as f32, correction2: correction2.sqrt() as f32 },
            Kind::Adamax => Rule::Adamax { rate: (rate / correction1) as f32 },
            Kind::Nadam => {
                let momentum = |step: i32| BETA1 * (1.0 - 0.5 * 0.96f64.powf(f64::from(step) * NADAM_MOMENTUM_DECAY));
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

/// Weight decay is for convolutions' and the classifier's weights; biases and batch normalisation have one dimension.
fn decays(var: &Var) -> bool {
    var.dims().len() > 1
}

enum Rule {
    Sgd { rate: f32, momentum: f32, first: bool },
    Adagrad { rate: f32 },
    Adam { rate: f32, correction2: f32 },
    Adamax { rate: f32 },
    Nadam { of_gradient: f32, of_average: f32, correction2: f32 },
}

impl Rule {
    fn apply(&self, values: &mut [f32], gradient: &[f32], state: &mut State) {
        let (beta1, beta2, epsilon) = (BETA1 as f32, BETA2 as f32, EPSILON as f32);
        let slots = state.first.iter_mut().zip(&mut state.second);
        for ((w, g), (m, v)) in values.iter_mut().zip(gradient.iter().copied()).zip(slots) {
            match *self {
                Rule::Sgd { rate, momentum, first } => {
                    *m = if first { g } else { momentum * *m + g };
                    *w -= rate * *m;
                }
                Rule::Adagrad { rate } => {
                    *v += g * g;
                    *w -= rate * g / (v.sqrt() + ADAGRAD_EPSILON as f32);
                }
                Rule::Adam { rate, correction2 } => {
                    *m += (1.0 - beta1) * (g - *m);
                    *v = beta2 * *v + (1.0 - beta2) * g * g;
                    *w -= rate * *m / (v.sqrt() / correction2 + epsilon);
                }
                Rule::Adamax { rate } => {
                    *m += (1.0 - beta1) * (g - *m);
                    *v = (beta2 * *v).max(g.abs() + epsilon);
                    *w -= rate * *m / *v;
                }
                Rule::Nadam { of_gradient, of_average, correction2 } => {
                    *m += (1.0 - beta1) * (g - *m);
                    *v = beta2 * *v + (1.0 - beta2) * g * g;
                    let size = (*v / correction2).sqrt() + epsilon;
                    *w -= of_gradient * g / size + of_average * *m / size;
                }
            }
        }
    }
}
