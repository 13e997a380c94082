//! The piece-wise activation and its gradient.
//!
//! Values are within 3e-7 of the f64 reference in `common`, absolute up to 1 and relative above (tested); exponentials are
//! computed in a form that compilers vectorise.

#![allow(unsafe_code)] // Only the calls that `multiversion!` makes, after detecting the features.

use super::simd::{Level, multiversion};
use super::{elements, with_elements};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use common::activation::{Activation, PiecewiseActivation, SELU_ALPHA, SELU_SCALE};
use rayon::prelude::*;

/// Elements handled by one task.
const PIECE: usize = 1 << 14;
/// Elements for which both sides are computed before they are merged; small enough for the first cache.
pub(super) const BLOCK: usize = 256;

/// The activation as a differentiable operation on a tensor of any shape.
#[derive(Clone, Copy, Debug)]
pub struct Piecewise {
    /// The two functions.
    pub pair: PiecewiseActivation,
    /// What the kernels run on.
    pub level: Level,
}

impl Piecewise {
    /// Applies the activation to every element.
    ///
    /// # Errors
    /// The tensor is not f32 on the CPU.
    pub fn apply(self, input: &Tensor) -> Result<Tensor> {
        input.contiguous()?.apply_op1(self)
    }
}

impl CustomOp1 for Piecewise {
    fn name(&self) -> &'static str {
        "piecewise-activation"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let input = elements(storage, layout)?;
        let mut output = vec![0.0; input.len()];
        let pieces = output.par_chunks_mut(PIECE).zip(input.par_chunks(PIECE));
        pieces.for_each(|(output, input)| affine_values(self.level, self.pair, 1.0, 0.0, input, output));
        Ok((CpuStorage::F32(output), layout.shape().clone()))
    }

    fn bwd(&self, input: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let mut result = vec![0.0; input.elem_count()];
        with_elements(input, |x| {
            with_elements(gradient, |g| {
                let pieces = result.par_chunks_mut(PIECE).zip(x.par_chunks(PIECE)).zip(g.par_chunks(PIECE));
                pieces.for_each(|((out, x), g)| {
                    affine_derivatives(self.level, self.pair, 1.0, 0.0, x, out);
                    out.iter_mut().zip(g).for_each(|(out, g)| *out *= g);
                });
                Ok(())
            })
        })?;
        Ok(Some(Tensor::from_vec(result, input.shape(), input.device())?))
    }
}

multiversion! {
    /// The activation of `scale * x + shift` for every `x`.
    pub fn affine_values(pair: PiecewiseActivation, scale: f32, shift: f32, input: &[f32], output: &mut [f32]) => values_generic;
}

multiversion! {
    /// The activation's derivative at `scale * x + shift` for every `x`; at 0 the one from the right.
    pub fn affine_derivatives(pair: PiecewiseActivation, scale: f32, shift: f32, input: &[f32], output: &mut [f32]) => derivatives_generic;
}

#[inline(always)]
fn values_generic(pair: PiecewiseActivation, scale: f32, shift: f32, input: &[f32], output: &mut [f32]) {
    merge_sides::<Value>(pair, scale, shift, input, output);
}

#[inline(always)]
fn derivatives_generic(pair: PiecewiseActivation, scale: f32, shift: f32, input: &[f32], output: &mut [f32]) {
    merge_sides::<Derivative>(pair, scale, shift, input, output);
}

/// A function of an activation. Types instead of closures: only these are inlined into the code of each level for sure.
trait OneSide {
    fn apply(side: Activation, input: &[f32], output: &mut [f32]);
}

struct Value;

impl OneSide for Value {
    #[inline(always)]
    fn apply(side: Activation, x: &[f32], y: &mut [f32]) {
        match side {
            Activation::Relu => map(x, y, |x| if x < 0.0 { 0.0 } else { x }),
            Activation::Elu => map(x, y, |x| if x < 0.0 { exp(x) - 1.0 } else { x }),
            Activation::Sigmoid => map(x, y, sigmoid),
            Activation::Tanh => map(x, y, tanh),
            Activation::Swish => map(x, y, |x| x * sigmoid(x)),
            Activation::Selu => {
                map(x, y, |x| SELU_SCALE as f32 * if x < 0.0 { SELU_ALPHA as f32 * (exp(x) - 1.0) } else { x });
            }
            Activation::Linear => y.copy_from_slice(x),
        }
    }
}

struct Derivative;

impl OneSide for Derivative {
    #[inline(always)]
    fn apply(side: Activation, x: &[f32], y: &mut [f32]) {
        match side {
            Activation::Relu => map(x, y, |x| if x < 0.0 { 0.0 } else { 1.0 }),
            Activation::Elu => map(x, y, |x| if x < 0.0 { exp(x) } else { 1.0 }),
            Activation::Sigmoid => map(x, y, |x| sigmoid(x) * (1.0 - sigmoid(x))),
            Activation::Tanh => map(x, y, |x| 1.0 - tanh(x) * tanh(x)),
            Activation::Swish => map(x, y, |x| sigmoid(x) * (1.0 + x * (1.0 - sigmoid(x)))),
            Activation::Selu => {
                map(x, y, |x| SELU_SCALE as f32 * if x < 0.0 { SELU_ALPHA as f32 * exp(x) } else { 1.0 });
            }
            Activation::Linear => y.fill(1.0),
        }
    }
}

#[inline(always)]
fn merge_sides<F: OneSide>(pair: PiecewiseActivation, scale: f32, shift: f32, input: &[f32], output: &mut [f32]) {
    for (x, y) in input.chunks(BLOCK).zip(output.chunks_mut(BLOCK)) {
        merge_block::<F>(pair, scale, shift, x, y);
    }
}

/// Computes both sides of at most [`BLOCK`] elements and takes, for each element, the one of its sign.
#[inline(always)]
fn merge_block<F: OneSide>(pair: PiecewiseActivation, scale: f32, shift: f32, x: &[f32], y: &mut [f32]) {
    // For x >= 0 the canonical one is the same function, and the cheapest.
    let right = if pair.left == pair.right { pair.right } else { pair.right.canonical_right() };
    let (mut argument, mut left) = ([0.0; BLOCK], [0.0; BLOCK]);
    let argument = &mut argument[..x.len()];
    map(x, argument, |x| x * scale + shift);
    F::apply(right, argument, y);
    if pair.left != right {
        let left = &mut left[..x.len()];
        F::apply(pair.left, argument, left);
        for ((y, left), x) in y.iter_mut().zip(left).zip(argument) {
            // With an `if` over the values the compiler chooses between addresses, which does not vectorise.
            let negative = u32::from(*x < 0.0).wrapping_neg();
            *y = f32::from_bits((left.to_bits() & negative) | (y.to_bits() & !negative));
        }
    }
}

/// The derivatives for at most [`BLOCK`] elements, for kernels that go on with them.
#[inline(always)]
pub(super) fn derivatives_of_block(pair: PiecewiseActivation, scale: f32, shift: f32, x: &[f32], y: &mut [f32]) {
    merge_block::<Derivative>(pair, scale, shift, x, y);
}

#[inline(always)]
fn map(input: &[f32], output: &mut [f32], f: impl Fn(f32) -> f32) {
    for (y, x) in output.iter_mut().zip(input) {
        *y = f(*x);
    }
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

#[inline(always)]
fn tanh(x: f32) -> f32 {
    1.0 - 2.0 / (1.0 + exp(2.0 * x))
}

/// `e^x` for `x` in -87..88, clamped outside; NaN stays NaN. Cody-Waite reduction and a polynomial, without branches.
#[inline(always)]
fn exp(x: f32) -> f32 {
    /// Adding and subtracting 1.5 * 2^23 rounds to the nearest whole number.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let clamped = x.clamp(-87.0, 88.0);
    let shifted = clamped * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let rest = clamped - whole * LN2_HIGH - whole * LN2_LOW;
    // Taylor coefficients suffice for |rest| <= ln 2 / 2: the first term left out is below 2^-25.
    let polynomial = 1.0
        + rest
            * (1.0
                + rest
                    * (0.5 + rest * (1.0 / 6.0 + rest * (1.0 / 24.0 + rest * (1.0 / 120.0 + rest * (1.0 / 720.0))))));
    let power = f32::from_bits(shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23);
    polynomial * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f32, want: f64) -> bool {
        (f64::from(got) - want).abs() <= 3e-7 * want.abs().max(1.0)
    }

    #[test]
    fn all_pairs_at_all_levels_match_the_reference() {
        let inputs: Vec<f32> =
            (-4000..4000).map(|i| i as f32 * 0.01).chain([-1e30, -100.0, -0.0, 0.0, 100.0]).collect();
        let mut outputs = vec![0.0; inputs.len()];
        for level in Level::available() {
            for pair in PiecewiseActivation::all() {
                affine_values(level, pair, 1.0, 0.0, &inputs, &mut outputs);
                for (x, y) in inputs.iter().zip(&outputs) {
                    assert!(close(*y, pair.value(f64::from(*x))), "{level:?} {pair}: f({x}) = {y}");
                }
                affine_derivatives(level, pair, 1.0, 0.0, &inputs, &mut outputs);
                for (x, y) in inputs.iter().zip(&outputs).filter(|(x, _)| x.abs() < 40.0) {
                    assert!(
                        (f64::from(*y) - pair.derivative(f64::from(*x))).abs() < 2e-6,
                        "{level:?} {pair}: f'({x}) = {y}"
                    );
                }
            }
        }
    }

    #[test]
    fn nan_stays_nan_so_that_divergence_is_seen() {
        for pair in PiecewiseActivation::all().filter(|p| p.left == p.right && p.left != Activation::Relu) {
            let mut output = [0.0];
            affine_values(Level::Portable, pair, 1.0, 0.0, &[f32::NAN], &mut output);
            assert!(output[0].is_nan(), "{pair}");
        }
    }
}
