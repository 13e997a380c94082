//! The piecewise activation and its gradient.
//!
//! Values are within 3e-7 of the f64 reference in `common`, absolute up to 1 and relative above
//! (tested). Exponentials are computed in a form that compilers vectorise.

#![allow(unsafe_code)] // Only the calls that `multiversion!` makes, after detecting the features.

use super::simd::{Level, multiversion};
use super::storage::{elements, with_elements};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use common::network::activation::{Activation, PiecewiseActivation, SELU_ALPHA, SELU_SCALE};
use rayon::prelude::*;

/// Elements handled by one task.
const PIECE: usize = 1 << 14;

/// The activation as a differentiable operation on a tensor of any shape.
#[derive(Clone, Copy, Debug)]
pub struct Piecewise {
    /// The functions for negative and for other values.
    pub pair: PiecewiseActivation,
    /// The instruction set of the kernels.
    pub level: Level,
}

impl Piecewise {
    /// Applies the activation to every element.
    ///
    /// # Errors
    /// Fails if the tensor is not f32 on the CPU.
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
        pieces.for_each(|(output, input)| {
            affine_values(self.level, self.pair, 1.0, 0.0, input, output);
        });
        Ok((CpuStorage::F32(output), layout.shape().clone()))
    }

    fn bwd(&self, input: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let mut result = vec![0.0; input.elem_count()];
        with_elements(input, |x| {
            with_elements(gradient, |g| {
                let pieces =
                    result.par_chunks_mut(PIECE).zip(x.par_chunks(PIECE)).zip(g.par_chunks(PIECE));
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
    /// Writes the activation of `scale * x + shift` for every `x`.
    pub fn affine_values(
        pair: PiecewiseActivation,
        scale: f32,
        shift: f32,
        input: &[f32],
        output: &mut [f32],
    ) => values_of;
}

multiversion! {
    /// Writes the activation's derivative at `scale * x + shift` for every `x`; at 0 the one from
    /// the right.
    pub fn affine_derivatives(
        pair: PiecewiseActivation,
        scale: f32,
        shift: f32,
        input: &[f32],
        output: &mut [f32],
    ) => derivatives_of;
}

/// Computes [`affine_values`] inside other kernels.
#[inline(always)]
pub(super) fn values_of(
    pair: PiecewiseActivation,
    scale: f32,
    shift: f32,
    input: &[f32],
    output: &mut [f32],
) {
    let (left, right) = (Terms::left(pair.left), Terms::right(pair.right));
    let elements = output.iter_mut().zip(input);
    if left.is_line() && right.is_line() {
        elements.for_each(|(y, x)| {
            let x = x * scale + shift;
            *y = x * if x < 0.0 { left.line } else { right.line };
        });
    } else {
        elements.for_each(|(y, x)| {
            let x = x * scale + shift;
            *y = Terms::of(x, left, right).value(x);
        });
    }
}

/// Computes [`affine_derivatives`] inside other kernels.
#[inline(always)]
pub(super) fn derivatives_of(
    pair: PiecewiseActivation,
    scale: f32,
    shift: f32,
    input: &[f32],
    output: &mut [f32],
) {
    let (left, right) = (Terms::left(pair.left), Terms::right(pair.right));
    let elements = output.iter_mut().zip(input);
    if left.is_line() && right.is_line() {
        elements
            .for_each(|(y, x)| *y = if x * scale + shift < 0.0 { left.line } else { right.line });
    } else {
        elements.for_each(|(y, x)| {
            let x = x * scale + shift;
            *y = Terms::of(x, left, right).derivative(x);
        });
    }
}

/// The coefficients of one side of an activation, `constant + line * x + (gate + gated_line * x) *
/// q + power * t` with `t = exp(rate * x)` and `q = 1 / (1 + t)`. All seven functions have this
/// form, so both sides together cost one exponential and one division.
#[derive(Clone, Copy, Default)]
struct Terms {
    constant: f32,
    line: f32,
    gate: f32,
    gated_line: f32,
    power: f32,
    rate: f32,
}

impl Terms {
    /// Returns the coefficients of an activation for `x < 0`.
    fn left(activation: Activation) -> Terms {
        let none = Terms::default();
        let exponential =
            |height: f32| Terms { constant: -height, power: height, rate: 1.0, ..none };
        match activation {
            Activation::Relu => none,
            Activation::Linear => Terms { line: 1.0, ..none },
            Activation::Sigmoid => Terms { gate: 1.0, rate: -1.0, ..none },
            Activation::Swish => Terms { gated_line: 1.0, rate: -1.0, ..none },
            Activation::Tanh => Terms { constant: 1.0, gate: -2.0, rate: 2.0, ..none },
            Activation::Elu => exponential(1.0),
            Activation::Selu => exponential((SELU_SCALE * SELU_ALPHA) as f32),
        }
    }

    /// Returns the coefficients of an activation for `x >= 0`.
    fn right(activation: Activation) -> Terms {
        let line = |line: f32| Terms { line, ..Terms::default() };
        match activation {
            Activation::Relu | Activation::Elu | Activation::Linear => line(1.0),
            Activation::Selu => line(SELU_SCALE as f32),
            Activation::Sigmoid | Activation::Swish | Activation::Tanh => Terms::left(activation),
        }
    }

    fn is_line(self) -> bool {
        self.rate == 0.0
    }

    /// Returns the coefficients of the side on which `x` lies.
    #[inline(always)]
    fn of(x: f32, left: Terms, right: Terms) -> Terms {
        let choose = |left: f32, right: f32| if x < 0.0 { left } else { right };
        Terms {
            constant: choose(left.constant, right.constant),
            line: choose(left.line, right.line),
            gate: choose(left.gate, right.gate),
            gated_line: choose(left.gated_line, right.gated_line),
            power: choose(left.power, right.power),
            rate: choose(left.rate, right.rate),
        }
    }

    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        let t = exp(self.rate * x);
        let q = 1.0 / (1.0 + t);
        (self.constant + self.power * t) + self.line * x + (self.gate + self.gated_line * x) * q
    }

    /// Returns the derivative at `x`, with `dq/dx = -rate * q * (1 - q)`.
    #[inline(always)]
    fn derivative(self, x: f32) -> f32 {
        let t = exp(self.rate * x);
        let q = 1.0 / (1.0 + t);
        let of_gate = (self.gate + self.gated_line * x) * (1.0 - q) * self.rate;
        (self.line + self.power * self.rate * t) + (self.gated_line - of_gate) * q
    }
}

/// Returns `e^x` for `x` clamped to -87..88; NaN stays NaN. Computed by Cody-Waite reduction and a
/// polynomial, without branches.
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
                    * (0.5
                        + rest
                            * (1.0 / 6.0
                                + rest
                                    * (1.0 / 24.0 + rest * (1.0 / 120.0 + rest * (1.0 / 720.0))))));
    let power =
        f32::from_bits(shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23);
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
        let inputs: Vec<f32> = (-4000..4000)
            .map(|i| i as f32 * 0.01)
            .chain([-1e30, -100.0, -0.0, 0.0, 100.0])
            .collect();
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
        for pair in
            PiecewiseActivation::all().filter(|p| p.left == p.right && p.left != Activation::Relu)
        {
            let mut output = [0.0];
            affine_values(Level::Portable, pair, 1.0, 0.0, &[f32::NAN], &mut output);
            assert!(output[0].is_nan(), "{pair}");
        }
    }
}
