//! The piecewise activation and its derivative.

use candle_core::{Result, Tensor};
use candle_nn::ops::sigmoid;
use common::network::activation::{Activation, PiecewiseActivation, SELU_ALPHA, SELU_SCALE};

/// Returns the activation of every element.
pub(super) fn value(pair: PiecewiseActivation, x: &Tensor) -> Result<Tensor> {
    by_side(pair, x, value_of)
}

/// Returns the derivative at every element; at 0 the one from the right.
pub(super) fn derivative(pair: PiecewiseActivation, x: &Tensor) -> Result<Tensor> {
    by_side(pair, x, derivative_of)
}

/// Returns `f` of the left activation where `x < 0`, and of the right one elsewhere.
fn by_side(
    pair: PiecewiseActivation,
    x: &Tensor,
    f: impl Fn(Activation, Side, &Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    if pair.left == pair.right && is_smooth(pair.left) {
        return f(pair.left, Side::Left, x);
    }
    // Each side's formula is evaluated everywhere, and the selection discards infinities on the
    // wrong side. NaN is not below 0, and the formulas of all right sides keep it.
    x.lt(0f32)?.where_cond(&f(pair.left, Side::Left, x)?, &f(pair.right, Side::Right, x)?)
}

#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

/// Returns whether the activation has the same formula on both sides.
fn is_smooth(activation: Activation) -> bool {
    match activation {
        Activation::Linear | Activation::Sigmoid | Activation::Swish | Activation::Tanh => true,
        Activation::Relu | Activation::Elu | Activation::Selu => false,
    }
}

fn value_of(activation: Activation, side: Side, x: &Tensor) -> Result<Tensor> {
    match (activation, side) {
        (Activation::Linear, _) | (Activation::Relu | Activation::Elu, Side::Right) => {
            Ok(x.clone())
        }
        (Activation::Relu, Side::Left) => x.zeros_like(),
        (Activation::Elu, Side::Left) => x.exp()? - 1.0,
        (Activation::Selu, Side::Left) => (x.exp()? - 1.0)? * (SELU_SCALE * SELU_ALPHA),
        (Activation::Selu, Side::Right) => x * SELU_SCALE,
        (Activation::Sigmoid, _) => sigmoid(x),
        (Activation::Swish, _) => x * sigmoid(x)?,
        (Activation::Tanh, _) => x.tanh(),
    }
}

fn derivative_of(activation: Activation, side: Side, x: &Tensor) -> Result<Tensor> {
    match (activation, side) {
        (Activation::Linear, _) | (Activation::Relu | Activation::Elu, Side::Right) => {
            x.ones_like()
        }
        (Activation::Relu, Side::Left) => x.zeros_like(),
        (Activation::Elu, Side::Left) => x.exp(),
        (Activation::Selu, Side::Left) => x.exp()? * (SELU_SCALE * SELU_ALPHA),
        (Activation::Selu, Side::Right) => x.ones_like()? * SELU_SCALE,
        (Activation::Sigmoid, _) => {
            let q = sigmoid(x)?;
            &q * q.affine(-1.0, 1.0)?
        }
        (Activation::Swish, _) => {
            let q = sigmoid(x)?;
            // q + x q (1 - q)
            &q * ((x * q.affine(-1.0, 1.0)?)? + 1.0)?
        }
        (Activation::Tanh, _) => x.tanh()?.sqr()?.affine(-1.0, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn all_pairs_match_the_reference() {
        let inputs: Vec<f32> =
            (-4000..4000).map(|i| i as f32 * 0.01).chain([-1e30, -100.0, -0.0, 100.0]).collect();
        let x = Tensor::from_slice(&inputs, inputs.len(), &Device::Cpu).unwrap();
        for pair in PiecewiseActivation::all() {
            let got: Vec<f32> = value(pair, &x).unwrap().to_vec1().unwrap();
            for (x, y) in inputs.iter().zip(got) {
                let want = pair.value(f64::from(*x));
                assert!(
                    (f64::from(y) - want).abs() <= 5e-7 * want.abs().max(1.0),
                    "{pair}: f({x}) = {y}, not {want}"
                );
            }
            let got: Vec<f32> = derivative(pair, &x).unwrap().to_vec1().unwrap();
            for (x, y) in inputs.iter().zip(got) {
                let want = pair.derivative(f64::from(*x));
                assert!((f64::from(y) - want).abs() <= 2e-6, "{pair}: f'({x}) = {y}, not {want}");
            }
        }
    }

    #[test]
    fn nan_stays_nan_so_that_divergence_is_seen() {
        let x = Tensor::new(&[f32::NAN], &Device::Cpu).unwrap();
        for pair in PiecewiseActivation::all() {
            assert!(value(pair, &x).unwrap().to_vec1::<f32>().unwrap()[0].is_nan(), "{pair}");
        }
    }
}
