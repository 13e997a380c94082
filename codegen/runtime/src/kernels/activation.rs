//! The seven activations and the piece-wise pairs made of them, without a mathematics library
//! (`core` has none).
//!
//! All functions are without branches, since the lanes of a vector cannot branch apart.

use super::simd::Simd;
use core::marker::PhantomData;

/// The largest error of an activation, relative to the exact value; [`MAX_ABSOLUTE_ERROR`] comes on
/// top.
pub const MAX_RELATIVE_ERROR: f32 = 2.5e-7;
/// The largest absolute error of an activation, besides [`MAX_RELATIVE_ERROR`]: `88 e^-88`, since
/// exponentials smaller than the smallest normal f32 become 0.
pub const MAX_ABSOLUTE_ERROR: f32 = 1e-36;

const SELU_SCALE: f32 = 1.050_701;
/// SELU's scale times its alpha.
const SELU_LEFT: f32 = 1.758_099_3;

/// A function of one number, applied to every element.
pub trait Activation {
    /// Returns the values at `x`; never NaN for finite numbers.
    fn apply<S: Simd>(simd: S, x: S::Vector) -> S::Vector;
}

/// One function of the design space, split at zero.
pub trait Function {
    /// Returns the values at `x < 0`; the values elsewhere have no meaning.
    fn negative<S: Simd>(simd: S, x: S::Vector) -> S::Vector;
    /// Returns the values at `x >= 0`; the values elsewhere have no meaning.
    fn positive<S: Simd>(simd: S, x: S::Vector) -> S::Vector;
}

/// `Left` below zero and `Right` from zero on.
pub struct Piecewise<Left, Right>(PhantomData<(Left, Right)>);

impl<Left: Function, Right: Function> Activation for Piecewise<Left, Right> {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, x: S::Vector) -> S::Vector {
        simd.select(x, Left::negative(simd, x), Right::positive(simd, x))
    }
}

/// No activation.
pub struct Identity;

impl Activation for Identity {
    #[inline(always)]
    fn apply<S: Simd>(_: S, x: S::Vector) -> S::Vector {
        x
    }
}

/// `max(x, 0)`.
pub struct Relu;

impl Function for Relu {
    #[inline(always)]
    fn negative<S: Simd>(simd: S, _: S::Vector) -> S::Vector {
        simd.splat(0.0)
    }

    #[inline(always)]
    fn positive<S: Simd>(_: S, x: S::Vector) -> S::Vector {
        x
    }
}

/// `x` for `x >= 0`, else `e^x - 1`.
pub struct Elu;

impl Function for Elu {
    #[inline(always)]
    fn negative<S: Simd>(simd: S, x: S::Vector) -> S::Vector {
        exp_minus_m1(simd, simd.abs(x))
    }

    #[inline(always)]
    fn positive<S: Simd>(_: S, x: S::Vector) -> S::Vector {
        x
    }
}

/// `1 / (1 + e^-x)`.
pub struct Sigmoid;

impl Function for Sigmoid {
    #[inline(always)]
    fn negative<S: Simd>(simd: S, x: S::Vector) -> S::Vector {
        let e = exp_minus(simd, simd.abs(x));
        simd.div(e, simd.add(simd.splat(1.0), e))
    }

    #[inline(always)]
    fn positive<S: Simd>(simd: S, x: S::Vector) -> S::Vector {
        let e = exp_minus(simd, simd.abs(x));
        simd.div(simd.splat(1.0), simd.add(simd.splat(1.0), e))
    }
}

/// Hyperbolic tangent, from `m = e^(-2|x|) - 1` as `-m / (2 + m)` and its mirror image.
pub struct Tanh;

impl Function for Tanh {
    #[inline(always)]
    fn negative<S: Simd>(simd: S, x: S::Vector) -> S::Vector {
        let m = exp_minus_m1(simd, simd.mul(simd.splat(2.0), simd.abs(x)));
        simd.div(m, simd.add(simd.splat(2.0), m))
    }

    #[inline(always)]
    fn positive<S: Simd>(simd: S, x: S::Vector) -> S::Vector {
        let left = Self::negative(simd, x);
        simd.sub(simd.splat(0.0), left)
    }
}

/// `x * sigmoid(x)`, also known as SiLU.
pub struct Swish;

impl Function for Swish {
    #[inline(always)]
    fn negative<S: Simd>(simd: S, x: S::Vector) -> S::Vector {
        let e = exp_minus(simd, simd.abs(x));
        simd.div(simd.mul(x, e), simd.add(simd.splat(1.0), e))
    }

    #[inline(always)]
    fn positive<S: Simd>(simd: S, x: S::Vector) -> S::Vector {
        let e = exp_minus(simd, simd.abs(x));
        simd.div(x, simd.add(simd.splat(1.0), e))
    }
}

/// `scale * (x for x >= 0, else alpha * (e^x - 1))` (Klambauer et al. 2017).
pub struct Selu;

impl Function for Selu {
    #[inline(always)]
    fn negative<S: Simd>(simd: S, x: S::Vector) -> S::Vector {
        simd.mul(simd.splat(SELU_LEFT), exp_minus_m1(simd, simd.abs(x)))
    }

    #[inline(always)]
    fn positive<S: Simd>(simd: S, x: S::Vector) -> S::Vector {
        simd.mul(simd.splat(SELU_SCALE), x)
    }
}

/// The identity.
pub struct Linear;

impl Function for Linear {
    #[inline(always)]
    fn negative<S: Simd>(_: S, x: S::Vector) -> S::Vector {
        x
    }

    #[inline(always)]
    fn positive<S: Simd>(_: S, x: S::Vector) -> S::Vector {
        x
    }
}

/// Adding 1.5 * 2^23 and subtracting it again rounds to a whole number, which is in the low bits of
/// the sum; 127 is added as the bias of an exponent.
const ROUND: f32 = 12_582_912.0 + 127.0;
/// ln 2 in two parts; the first has so few bits that its product with an exponent is exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;
/// The largest `b` that is told apart: from here on, `e^-b` is 0 and `e^-b - 1` is -1.
const HIGHEST: f32 = 88.0;

/// Splits `b >= 0` into `r - n ln 2` with `|r| <= ln 2 / 2`, and returns `1 - e^-r` and `2^n`,
/// which is 0 below `2^-126`.
#[inline(always)]
fn reduce<S: Simd>(simd: S, b: S::Vector) -> (S::Vector, S::Vector) {
    let b = simd.min(b, simd.splat(HIGHEST));
    let shifted = simd.mul_add(b, simd.splat(-core::f32::consts::LOG2_E), simd.splat(ROUND));
    let n = simd.sub(shifted, simd.splat(ROUND));
    let r = simd.mul_add(n, simd.splat(LN_2_HIGH), b);
    let r = simd.mul_add(n, simd.splat(LN_2_LOW), r);
    // A Chebyshev approximation of (1 - e^-r - r) / r^2 on |r| <= ln 2 / 2 with an error of 7e-8.
    // In two halves: they do not depend on each other, and fewer constants must be copied to the
    // operand that the instruction adds to.
    let square = simd.mul(r, r);
    let low = simd.mul_add(simd.splat(1.666_657_7e-1), r, simd.splat(-0.5));
    let high = simd.mul_add(simd.splat(8.363_203e-3), r, simd.splat(-4.166_655_4e-2));
    let high = simd.mul_add(simd.splat(-1.392_621_3e-3), square, high);
    let p = simd.mul_add(high, square, low);
    (simd.mul_add(p, square, r), simd.exponent(shifted))
}

/// Returns `e^-b` for `b >= 0`.
#[inline(always)]
fn exp_minus<S: Simd>(simd: S, b: S::Vector) -> S::Vector {
    let (part, power) = reduce(simd, b);
    simd.sub_mul(power, part, power)
}

/// Returns `e^-b - 1` for `b >= 0`, precise next to 0.
#[inline(always)]
fn exp_minus_m1<S: Simd>(simd: S, b: S::Vector) -> S::Vector {
    let (part, power) = reduce(simd, b);
    simd.sub_mul(simd.sub(power, simd.splat(1.0)), part, power)
}
