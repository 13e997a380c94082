//! The seven activations and the piece-wise pairs made of them, without a mathematics library (`core` has none).
//!
//! Everything is written without branches, so that the compiler turns loops over it into vector code.

use core::marker::PhantomData;

/// Against exact values, every activation is off by at most this part of the value plus [`MAX_ABSOLUTE_ERROR`].
pub const MAX_RELATIVE_ERROR: f32 = 2.5e-7;
/// See [`MAX_RELATIVE_ERROR`]: the smallest normal f32, below which numbers lose digits.
pub const MAX_ABSOLUTE_ERROR: f32 = f32::MIN_POSITIVE;

const SELU_SCALE: f32 = 1.050_701;
/// SELU's scale times its alpha.
const SELU_LEFT: f32 = 1.758_099_3;

/// A function of one number, applied to every element.
pub trait Activation {
    /// The value at `x`; never NaN for a finite `x`.
    fn apply(x: f32) -> f32;
}

/// One function of the design space, split at zero.
pub trait Function {
    /// The value at `x < 0`; anything elsewhere.
    fn negative(x: f32) -> f32;
    /// The value at `x >= 0`; anything elsewhere.
    fn positive(x: f32) -> f32;
}

/// `Left` below zero and `Right` from zero on.
pub struct Piecewise<Left, Right>(PhantomData<(Left, Right)>);

impl<Left: Function, Right: Function> Activation for Piecewise<Left, Right> {
    #[inline(always)]
    fn apply(x: f32) -> f32 {
        if x < 0.0 { Left::negative(x) } else { Right::positive(x) }
    }
}

/// No activation at all.
pub struct Identity;

impl Activation for Identity {
    #[inline(always)]
    fn apply(x: f32) -> f32 {
        x
    }
}

/// `max(x, 0)`.
pub struct Relu;

impl Function for Relu {
    #[inline(always)]
    fn negative(_: f32) -> f32 {
        0.0
    }

    #[inline(always)]
    fn positive(x: f32) -> f32 {
        x
    }
}

/// `x` for `x >= 0`, else `e^x - 1`.
pub struct Elu;

impl Function for Elu {
    #[inline(always)]
    fn negative(x: f32) -> f32 {
        exp_m1(-x.abs())
    }

    #[inline(always)]
    fn positive(x: f32) -> f32 {
        x
    }
}

/// `1 / (1 + e^-x)`.
pub struct Sigmoid;

impl Function for Sigmoid {
    #[inline(always)]
    fn negative(x: f32) -> f32 {
        let e = exp(-x.abs());
        e / (1.0 + e)
    }

    #[inline(always)]
    fn positive(x: f32) -> f32 {
        1.0 / (1.0 + exp(-x.abs()))
    }
}

/// Hyperbolic tangent, from `m = e^(-2|x|) - 1` as `-m / (2 + m)` and its mirror image.
pub struct Tanh;

impl Function for Tanh {
    #[inline(always)]
    fn negative(x: f32) -> f32 {
        let m = exp_m1(-2.0 * x.abs());
        m / (2.0 + m)
    }

    #[inline(always)]
    fn positive(x: f32) -> f32 {
        let m = exp_m1(-2.0 * x.abs());
        -m / (2.0 + m)
    }
}

/// `x * sigmoid(x)`, also known as SiLU.
pub struct Swish;

impl Function for Swish {
    #[inline(always)]
    fn negative(x: f32) -> f32 {
        let e = exp(-x.abs());
        x * e / (1.0 + e)
    }

    #[inline(always)]
    fn positive(x: f32) -> f32 {
        x / (1.0 + exp(-x.abs()))
    }
}

/// `scale * (x for x >= 0, else alpha * (e^x - 1))` (Klambauer et al. 2017).
pub struct Selu;

impl Function for Selu {
    #[inline(always)]
    fn negative(x: f32) -> f32 {
        SELU_LEFT * exp_m1(-x.abs())
    }

    #[inline(always)]
    fn positive(x: f32) -> f32 {
        SELU_SCALE * x
    }
}

/// The identity.
pub struct Linear;

impl Function for Linear {
    #[inline(always)]
    fn negative(x: f32) -> f32 {
        x
    }

    #[inline(always)]
    fn positive(x: f32) -> f32 {
        x
    }
}

/// Adding and subtracting 1.5 * 2^23 rounds to a whole number, which then stands in the low bits of the sum.
const ROUND: f32 = 12_582_912.0;
/// ln 2 in two parts; the first has so few digits that its product with an exponent is exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;
/// Below this, `e^a` is 0 in f32 and `e^a - 1` is -1.
const LOWEST: f32 = -104.0;

/// `a = n ln 2 + r` with `|r| <= ln 2 / 2`, for `a <= 0`: returns `e^r - 1` and `n >= -150`.
#[inline(always)]
fn reduce(a: f32) -> (f32, i32) {
    let a = if a < LOWEST { LOWEST } else { a };
    let shifted = a * core::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (a - n * LN_2_HIGH) - n * LN_2_LOW;
    // (e^r - 1 - r) / r^2, Chebyshev on |r| <= ln 2 / 2; its error is 7e-8.
    let p = 1.392_621_3e-3 * r + 8.363_203e-3;
    let p = p * r + 4.166_655_4e-2;
    let p = p * r + 1.666_657_7e-1;
    let p = p * r + 0.5;
    (p * (r * r) + r, shifted.to_bits() as i32 - ROUND.to_bits() as i32)
}

/// `2^n` for `-126 <= n <= 127`.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits(((n + 127) << 23) as u32)
}

/// `e^a` for `a <= 0`.
#[inline(always)]
fn exp(a: f32) -> f32 {
    let (m1, n) = reduce(a);
    // In two steps, because 2^n alone can be too small for an f32.
    let half = n >> 1;
    (m1 + 1.0) * power_of_two(half) * power_of_two(n - half)
}

/// `e^a - 1` for `a <= 0`, precise next to 0.
#[inline(always)]
fn exp_m1(a: f32) -> f32 {
    let (m1, n) = reduce(a);
    let scale = power_of_two(if n < -126 { -126 } else { n });
    scale * m1 + (scale - 1.0)
}
