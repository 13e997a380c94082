//! The seven activations of Table 1 and the paper's piece-wise pairs of them.
//!
//! `f(x) = left(x)` for `x < 0` and `right(x)` for `x >= 0`. The functions here are the scalar
//! reference that all faster implementations are compared with.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Scale of SELU (Klambauer et al. 2017, "Self-Normalizing Neural Networks").
pub const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
/// Alpha of SELU (same source).
pub const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;

/// An activation function of the design space (Table 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `x` for `x >= 0`, else `e^x - 1`.
    Elu,
    /// `1 / (1 + e^-x)`.
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// `x * sigmoid(x)`, also known as SiLU.
    Swish,
    /// `SELU_SCALE * (x for x >= 0, else SELU_ALPHA * (e^x - 1))`.
    Selu,
    /// The identity.
    Linear,
}

impl Activation {
    /// All activations, in the order of Table 1.
    pub const ALL: [Activation; 7] = [
        Activation::Relu,
        Activation::Elu,
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Swish,
        Activation::Selu,
        Activation::Linear,
    ];

    /// Returns the name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Relu => "relu",
            Activation::Elu => "elu",
            Activation::Sigmoid => "sigmoid",
            Activation::Tanh => "tanh",
            Activation::Swish => "swish",
            Activation::Selu => "selu",
            Activation::Linear => "linear",
        }
    }

    /// Returns the value at `x`.
    pub fn value(self, x: f64) -> f64 {
        match self {
            Activation::Relu => x.max(0.0),
            Activation::Elu => {
                if x < 0.0 {
                    x.exp_m1()
                } else {
                    x
                }
            }
            Activation::Sigmoid => sigmoid(x),
            Activation::Tanh => x.tanh(),
            Activation::Swish => x * sigmoid(x),
            Activation::Selu => SELU_SCALE * if x < 0.0 { SELU_ALPHA * x.exp_m1() } else { x },
            Activation::Linear => x,
        }
    }

    /// Returns the derivative at `x`; at 0, the one from the right.
    pub fn derivative(self, x: f64) -> f64 {
        match self {
            Activation::Relu => {
                if x < 0.0 {
                    0.0
                } else {
                    1.0
                }
            }
            Activation::Elu => {
                if x < 0.0 {
                    x.exp()
                } else {
                    1.0
                }
            }
            Activation::Sigmoid => {
                let s = sigmoid(x);
                s * (1.0 - s)
            }
            Activation::Tanh => {
                let t = x.tanh();
                1.0 - t * t
            }
            Activation::Swish => {
                let s = sigmoid(x);
                s + x * s * (1.0 - s)
            }
            Activation::Selu => SELU_SCALE * if x < 0.0 { SELU_ALPHA * x.exp() } else { 1.0 },
            Activation::Linear => 1.0,
        }
    }

    /// Returns the representative of all activations that agree with this one for `x >= 0`, where
    /// relu, elu and linear are the same function.
    pub fn canonical_right(self) -> Activation {
        match self {
            Activation::Relu | Activation::Elu | Activation::Linear => Activation::Linear,
            Activation::Sigmoid => Activation::Sigmoid,
            Activation::Tanh => Activation::Tanh,
            Activation::Swish => Activation::Swish,
            Activation::Selu => Activation::Selu,
        }
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Returns `1 / (1 + e^-x)` without overflow for large `|x|`.
fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// A piece-wise activation: `left` below zero, `right` from zero on (paper, section 3.1, Table 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PiecewiseActivation {
    /// Function for `x < 0`.
    pub left: Activation,
    /// Function for `x >= 0`.
    pub right: Activation,
}

impl PiecewiseActivation {
    /// Returns all 49 pairs.
    pub fn all() -> impl Iterator<Item = PiecewiseActivation> {
        Activation::ALL.into_iter().flat_map(|left| {
            Activation::ALL.into_iter().map(move |right| PiecewiseActivation { left, right })
        })
    }

    /// Returns the value at `x`.
    pub fn value(self, x: f64) -> f64 {
        self.side(x).value(x)
    }

    /// Returns the derivative at `x`; at 0, the one from the right.
    pub fn derivative(self, x: f64) -> f64 {
        self.side(x).derivative(x)
    }

    /// Returns whether the function is discontinuous at 0, as are the 12 pairs with sigmoid on
    /// exactly one side. In such networks, small rounding differences near 0 have large effects.
    pub fn jumps_at_zero(self) -> bool {
        self.left.value(0.0) != self.right.value(0.0)
    }

    fn side(self, x: f64) -> Activation {
        if x < 0.0 { self.left } else { self.right }
    }
}

impl fmt::Display for PiecewiseActivation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {})", self.left, self.right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of PyTorch 2's `torch.nn.functional` in float64.
    #[test]
    fn values_match_pytorch() {
        let at = |x: f64| Activation::ALL.map(|a| a.value(x));
        let expected_minus = [
            0.0,
            -0.632_120_558_828_557_7,
            0.268_941_421_369_995_1,
            -0.761_594_155_955_764_9,
            -0.268_941_421_369_995_1,
            -1.111_330_737_812_562_7,
            -1.0,
        ];
        let expected_plus = [
            2.0,
            2.0,
            0.880_797_077_977_882_3,
            0.964_027_580_075_816_9,
            1.761_594_155_955_764_6,
            2.101_401_974_710_961,
            2.0,
        ];
        for (got, want) in
            at(-1.0).iter().zip(expected_minus).chain(at(2.0).iter().zip(expected_plus))
        {
            assert!((got - want).abs() < 1e-14, "{got} is not {want}");
        }
    }

    #[test]
    fn derivatives_match_finite_differences() {
        for pair in PiecewiseActivation::all() {
            for x in [-30.0, -3.0, -0.7, -1e-3, 1e-3, 0.4, 2.5, 30.0] {
                let h = 1e-6;
                let numeric = (pair.value(x + h) - pair.value(x - h)) / (2.0 * h);
                assert!((numeric - pair.derivative(x)).abs() < 1e-7, "{pair} at {x}");
            }
        }
    }

    #[test]
    fn extreme_inputs_stay_finite() {
        for pair in PiecewiseActivation::all() {
            for x in [-1e30, -1000.0, 1000.0, 1e30] {
                assert!(
                    pair.value(x).is_finite() && pair.derivative(x).is_finite(),
                    "{pair} at {x}"
                );
            }
        }
    }

    #[test]
    fn the_twelve_pairs_with_one_sigmoid_jump_at_zero() {
        let jumping: Vec<_> = PiecewiseActivation::all().filter(|p| p.jumps_at_zero()).collect();
        assert_eq!(jumping.len(), 12);
        let one_sigmoid = |p: &PiecewiseActivation| {
            (p.left == Activation::Sigmoid) != (p.right == Activation::Sigmoid)
        };
        assert!(jumping.iter().all(one_sigmoid));
    }

    #[test]
    fn canonical_right_agrees_from_zero_on() {
        for a in Activation::ALL {
            for x in [0.0, 0.5, 3.0] {
                assert_eq!(a.value(x), a.canonical_right().value(x));
            }
        }
    }
}
