//! Sums of squares in twice the precision of `f64`.
//!
//! Truncation and density compare distances. Parameter counts repeat (the paper's space has 32 of
//! them), so many pairs of points are the same millions of parameters apart and differ only in an
//! error of 0..1: an `f64` sum of squares, 1e13 + 1e-2, loses what decides. A number here is the
//! unevaluated sum of two `f64`, about 106 bits, which is exact for whole objectives and far finer
//! than the objectives themselves for all others (Dekker 1971, "A floating-point technique for
//! extending the available precision").

use std::cmp::Ordering;

/// `high + low`, where `high` is the `f64` nearest to the sum; that makes the pair of a value
/// unique. Never NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Double {
    high: f64,
    low: f64,
}

impl Double {
    /// 0.
    pub const ZERO: Double = Double { high: 0.0, low: 0.0 };
    /// 1.
    pub const ONE: Double = Double { high: 1.0, low: 0.0 };
    /// Farther than every finite value.
    pub const INFINITY: Double = Double { high: f64::INFINITY, low: 0.0 };

    /// `a - b`, exactly.
    #[inline]
    pub fn difference(a: f64, b: f64) -> Double {
        two_sum(a, -b)
    }

    /// The sum.
    #[inline]
    pub fn plus(self, other: Double) -> Double {
        let high = two_sum(self.high, other.high);
        let low = two_sum(self.low, other.low);
        let sum = fast_two_sum(high.high, high.low + low.high);
        fast_two_sum(sum.high, sum.low + low.low)
    }

    /// The product.
    #[inline]
    pub fn times(self, other: Double) -> Double {
        let high = self.high * other.high;
        let rounded_off = self.high.mul_add(other.high, -high);
        fast_two_sum(high, rounded_off + (self.high * other.low + self.low * other.high))
    }

    /// The nearest `f64`.
    pub fn to_f64(self) -> f64 {
        self.high
    }
}

impl Eq for Double {}

impl Ord for Double {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        let halves = |a: f64, b: f64| a.partial_cmp(&b).unwrap_or(Ordering::Equal);
        halves(self.high, other.high).then_with(|| halves(self.low, other.low))
    }
}

impl PartialOrd for Double {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// `a + b` exactly (Knuth, "The Art of Computer Programming", volume 2, section 4.2.2, theorem B).
#[inline]
fn two_sum(a: f64, b: f64) -> Double {
    let high = a + b;
    let from_b = high - a;
    Double { high, low: (a - (high - from_b)) + (b - from_b) }
}

/// `a + b` exactly where `|a| >= |b|` (Dekker 1971).
#[inline]
fn fast_two_sum(a: f64, b: f64) -> Double {
    let high = a + b;
    Double { high, low: b - (high - a) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(n: i64) -> Double {
        Double::difference(n as f64, 0.0)
    }

    #[test]
    fn a_small_square_beside_a_large_one_still_counts() {
        let sum = |error: f64| {
            let (parameters, error) = (whole(8_335_584), Double::difference(error, 0.0));
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
            prop_assert_eq!(squares(a, b).cmp(&squares(a, b + 1)), exact(a, b).cmp(&exact(a, b + 1)));
            prop_assert_eq!(squares(a, b), squares(-b, a));
        }
    }
}
