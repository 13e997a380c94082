//! One optimizer step of one parameter, in place and in one pass over gradient, state and weights.

use candle_core::{CpuStorage, InplaceOp2, Layout, Result, bail};
use std::cell::RefCell;

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
const EPSILON: f32 = 1e-8;
const ADAGRAD_EPSILON: f32 = 1e-10;

/// An update rule, with the factors of one step that are the same for all parameters.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    Sgd { rate: f32, momentum: f32 },
    Adagrad { rate: f32 },
    Adam { rate: f32, correction2: f32 },
    Adamax { rate: f32 },
    Nadam { gradient_rate: f32, average_rate: f32, correction2: f32 },
}

/// The optimizer state of one parameter. A vector that the update rule does not use stays empty.
#[derive(Debug, Default)]
pub(super) struct ParameterState {
    /// The moving average of gradients.
    pub(super) first: Vec<f32>,
    /// The sum, moving average or maximum of their squares or absolute values.
    pub(super) second: Vec<f32>,
}

/// What happens to a gradient before the update rule: clipping and weight decay.
#[derive(Clone, Copy, Debug)]
pub(super) struct GradientTransform {
    pub(super) factor: f32,
    pub(super) decay: f32,
}

impl GradientTransform {
    #[inline(always)]
    fn apply(self, gradient: f32, weight: f32) -> f32 {
        self.factor * gradient + self.decay * weight
    }
}

/// The step of one parameter, as an operation on the parameter and its gradient.
pub(super) struct Update<'a> {
    pub(super) rule: Rule,
    pub(super) transform: GradientTransform,
    /// In a cell, because Candle passes operations by shared reference.
    pub(super) state: RefCell<&'a mut ParameterState>,
}

impl InplaceOp2 for Update<'_> {
    fn name(&self) -> &'static str {
        "optimizer-step"
    }

    fn cpu_fwd(
        &self,
        weights: &mut CpuStorage,
        wl: &Layout,
        gradient: &CpuStorage,
        gl: &Layout,
    ) -> Result<()> {
        let (Some((w0, w1)), Some((g0, g1))) = (wl.contiguous_offsets(), gl.contiguous_offsets())
        else {
            bail!("an optimizer step needs contiguous tensors");
        };
        if wl.shape() != gl.shape() {
            bail!("a gradient of shape {:?} for a parameter of shape {:?}", gl.shape(), wl.shape());
        }
        let CpuStorage::F32(weights) = weights else { bail!("an optimizer step needs f32") };
        self.apply(&mut weights[w0..w1], &gradient.as_slice::<f32>()?[g0..g1]);
        Ok(())
    }
}

impl Update<'_> {
    fn apply(&self, weights: &mut [f32], gradients: &[f32]) {
        let state = &mut *self.state.borrow_mut();
        let (first, second) = (&mut state.first, &mut state.second);
        let pairs = Pairs { weights, gradients, transform: self.transform };
        match self.rule {
            Rule::Sgd { rate, momentum } => pairs.step_with_one(first, |g, m| {
                *m = momentum * *m + g;
                rate * *m
            }),
            Rule::Adagrad { rate } => pairs.step_with_one(second, |g, v| {
                *v += g * g;
                rate * g / (v.sqrt() + ADAGRAD_EPSILON)
            }),
            Rule::Adam { rate, correction2 } => pairs.step_with_two(first, second, |g, m, v| {
                *m += (1.0 - BETA1) * (g - *m);
                *v = BETA2 * *v + (1.0 - BETA2) * g * g;
                rate * *m / (v.sqrt() / correction2 + EPSILON)
            }),
            Rule::Adamax { rate } => pairs.step_with_two(first, second, |g, m, v| {
                *m += (1.0 - BETA1) * (g - *m);
                *v = (BETA2 * *v).max(g.abs() + EPSILON);
                rate * *m / *v
            }),
            Rule::Nadam { gradient_rate, average_rate, correction2 } => {
                pairs.step_with_two(first, second, |g, m, v| {
                    *m += (1.0 - BETA1) * (g - *m);
                    *v = BETA2 * *v + (1.0 - BETA2) * g * g;
                    let size = (*v / correction2).sqrt() + EPSILON;
                    gradient_rate * g / size + average_rate * *m / size
                });
            }
        }
    }
}

/// Weights with their gradients. Each rule's closure is compiled into its own loop without
/// branches, which the compiler vectorises.
struct Pairs<'a> {
    weights: &'a mut [f32],
    gradients: &'a [f32],
    transform: GradientTransform,
}

impl Pairs<'_> {
    #[inline(always)]
    fn step_with_one(self, slot: &mut Vec<f32>, rule: impl Fn(f32, &mut f32) -> f32) {
        slot.resize(self.weights.len(), 0.0);
        for ((w, g), a) in self.weights.iter_mut().zip(self.gradients).zip(slot) {
            *w -= rule(self.transform.apply(*g, *w), a);
        }
    }

    #[inline(always)]
    fn step_with_two(
        self,
        first: &mut Vec<f32>,
        second: &mut Vec<f32>,
        rule: impl Fn(f32, &mut f32, &mut f32) -> f32,
    ) {
        first.resize(self.weights.len(), 0.0);
        second.resize(self.weights.len(), 0.0);
        for (((w, g), a), b) in self.weights.iter_mut().zip(self.gradients).zip(first).zip(second) {
            *w -= rule(self.transform.apply(*g, *w), a, b);
        }
    }
}
