//! Double-double arithmetic: sums of squares in twice the precision of `f64`.
//!
//! Truncation and density compare distances. Parameter counts repeat (the paper's space has 32
//! distinct ones), so many pairs of points are the same millions of parameters apart and differ
//! only in an error of 0 to 1: an `f64` sum of squares, 1e13 + 1e-2, loses the digits that decide.
//! A double-double is the unevaluated sum of two `f64`, about 106 bits, which is exact for integer
//! objectives and far finer than the objectives themselves for all others (Dekker 1971, "A
//! floating-point technique for extending the available precision").

use std::cmp::Ordering;

/// The number `high + low`, where `high` is the `f64` nearest to the sum, so that each value has
/// exactly one pair. Never NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DoubleDouble {
    high: f64,
    low: f64,
}

impl DoubleDouble {
    /// The number 0.
    pub const ZERO: DoubleDouble = DoubleDouble { high: 0.0, low: 0.0 };
    /// The number 1.
    pub const ONE: DoubleDouble = DoubleDouble { high: 1.0, low: 0.0 };
    /// Infinity, greater than every finite number.
    pub const INFINITY: DoubleDouble = DoubleDouble { high: f64::INFINITY, low: 0.0 };

    /// Returns `a - b`, exactly.
    #[inline]
    pub fn difference(a: f64, b: f64) -> DoubleDouble {
        two_sum(a, -b)
    }

    /// Returns the sum.
    #[inline]
    pub fn plus(self, other: DoubleDouble) -> DoubleDouble {
        let high = two_sum(self.high, other.high);
        let low = two_sum(self.low, other.low);
        let sum = fast_two_sum(high.high, high.low + low.high);
        fast_two_sum(sum.high, sum.low + low.low)
    }

    /// Returns the product.
    #[inline]
    pub fn times(self, other: DoubleDouble) -> DoubleDouble {
        let high = self.high * other.high;
        let rounded_off = self.high.mul_add(other.high, -high);
        fast_two_sum(high, rounded_off + (self.high * other.low + self.low * other.high))
    }

    /// Returns the nearest `f64`.
    pub fn to_f64(self) -> f64 {
        self.high
    }
}

impl Eq for DoubleDouble {}

impl Ord for DoubleDouble {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        let halves = |a: f64, b: f64| a.partial_cmp(&b).unwrap_or(Ordering::Equal);
        halves(self.high, other.high).then_with(|| halves(self.low, other.low))
    }
}

impl PartialOrd for DoubleDouble {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Returns `a + b`, exactly (Knuth, "The Art of Computer Programming", volume 2, section 4.2.2,
/// theorem B).
#[inline]
fn two_sum(a: f64, b: f64) -> DoubleDouble {
    let high = a + b;
    let from_b = high - a;
    DoubleDouble { high, low: (a - (high - from_b)) + (b - from_b) }
}

/// Returns `a + b`, exactly, where `|a| >= |b|` (Dekker 1971).
#[inline]
fn fast_two_sum(a: f64, b: f64) -> DoubleDouble {
    let high = a + b;
    DoubleDouble { high, low: b - (high - a) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(n: i64) -> DoubleDouble {
        DoubleDouble::difference(n as f64, 0.0)
    }

    #[test]
    fn a_small_square_is_not_lost_beside_a_large_one() {
        let sum = |error: f64| {
            let (parameters, error) = (whole(8_335_584), DoubleDouble::difference(error, 0.0));
            parameters.times(parameters).plus(error.times(error))
        };
        assert!(sum(0.001) < sum(0.002));
        assert_eq!(sum(0.001).to_f64(), sum(0.002).to_f64(), "in f64 they are the same");
    }

    proptest! {
        #[test]
        fn sums_of_squares_of_whole_numbers_are_exact(
            a in -(1i64 << 50)..1 << 50, b in -(1i64 << 50)..1 << 50,
            c in -(1i64 << 50)..1 << 50, d in -(1i64 << 50)..1 << 50,
        ) {
            let squares = |x: i64, y: i64| whole(x).times(whole(x)).plus(whole(y).times(whole(y)));
            let exact = |x: i64, y: i64| i128::from(x).pow(2) + i128::from(y).pow(2);
            prop_assert_eq!(squares(a, b).cmp(&squares(c, d)), exact(a, b).cmp(&exact(c, d)));
            let next = b + 1;
            prop_assert_eq!(squares(a, b).cmp(&squares(a, next)), exact(a, b).cmp(&exact(a, next)));
            prop_assert_eq!(squares(a, b), squares(-b, a));
        }
    }
}
