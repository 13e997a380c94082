//! Axes of the figures.

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use std::ops::Range;

/// The pixel of a value on an axis that goes over a range, between the pixels of its two ends.
pub(crate) fn pixel(range: &Range<f64>, value: f64, (start, end): (i32, i32)) -> i32 {
    let share = (value - range.start) / (range.end - range.start);
    start + (share * f64::from(end - start)).round() as i32
}

/// An axis of log10 of a quantity, labelled with the quantity and its unit at 1, 2 and 5 times
/// powers of ten.
pub(super) struct Logarithmic(pub(super) Range<f64>, pub(super) &'static str);

impl Ranged for Logarithmic {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        pixel(&self.0, *value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        // Those of all f64.
        let exponent = |end: f64| (end as i32).clamp(-330, 310);
        let exponents = exponent(self.0.start.floor())..=exponent(self.0.end.ceil());
        let marks = exponents.flat_map(|exponent| {
            [1.0f64, 2.0, 5.0].map(|digit| digit.log10() + f64::from(exponent))
        });
        marks.filter(|mark| self.0.contains(mark)).collect()
    }

    fn range(&self) -> Range<f64> {
        self.0.clone()
    }
}

impl ValueFormatter<f64> for Logarithmic {
    fn format_ext(&self, value: &f64) -> String {
        let quantity = 10f64.powf(*value);
        let prefixes = [(1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "u")];
        let fitting = prefixes.into_iter().find(|(factor, _)| quantity >= factor * 0.999);
        let (factor, prefix) = fitting.unwrap_or((1e-9, "n"));
        // Three digits, which is more than marks have, and no noise of the logarithm.
        let digits = (quantity / factor * 1e3).round() / 1e3;
        format!("{digits} {prefix}{}", self.1).trim_end().to_string()
    }
}

/// An axis of so many iterations, counted from 1, with room for half a one at both ends.
pub(super) struct Iterations(pub(super) usize);

impl Ranged for Iterations {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        pixel(&self.range(), *value, limit)
    }

    /// At most ten, 1, 2, 5 or such a number times a power of ten apart.
    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        let digits = (0..)
            .map_while(|power| 10usize.checked_pow(power))
            .flat_map(|ten| [1, 2, 5].map(|digit| (digit, ten)));
        let mut steps = digits.filter_map(|(digit, ten): (usize, usize)| ten.checked_mul(digit));
        let step = steps.find(|step| self.0 / step <= 10).unwrap_or(usize::MAX);
        (step..=self.0).step_by(step).map(|iteration| iteration as f64).collect()
    }

    fn range(&self) -> Range<f64> {
        0.5..self.0.max(1) as f64 + 0.5
    }
}

impl ValueFormatter<f64> for Iterations {
    fn format_ext(&self, value: &f64) -> String {
        format!("{value:.0}")
    }
}

/// Beyond, a value is not shown.
const MOST: f64 = 1e30;

/// An axis that holds all values with some room around them.
pub(super) fn around(values: impl IntoIterator<Item = f64>) -> Range<f64> {
    let (low, high) = values
        .into_iter()
        .filter(|value| value.abs() <= MOST)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (f64::min(low, value), f64::max(high, value))
        });
    if low > high {
        return 0.0..1.0;
    }
    let room = ((high - low) * 0.06).max(0.01).max(low.abs().max(high.abs()) * 1e-6);
    low - room..high + room
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_numbers() {
        let axis = Logarithmic(4.28..5.8, "");
        let labels: Vec<String> =
            axis.key_points(10).iter().map(|mark| axis.format_ext(mark)).collect();
        assert_eq!(labels, ["20 k", "50 k", "100 k", "200 k", "500 k"]);
        let label = |value: f64, unit| Logarithmic(-9.0..9.0, unit).format_ext(&value.log10());
        assert_eq!([label(5e6, ""), label(200.0, ""), label(1.0, "")], ["5 M", "200", "1"]);
        assert_eq!(
            [label(2e-5, "s"), label(1e-3, "s"), label(0.5, "J"), label(1e-7, "J")],
            ["20 us", "1 ms", "500 mJ", "100 nJ"]
        );
    }

    #[test]
    fn iterations_are_marked_ten_times_at_most() {
        assert_eq!(Iterations(3).key_points(10), [1.0, 2.0, 3.0]);
        assert_eq!(Iterations(25).key_points(10), [5.0, 10.0, 15.0, 20.0, 25.0]);
        assert_eq!(Iterations(100).key_points(10).len(), 10);
        assert!(Iterations(0).key_points(10).is_empty());
        assert!((1..=10).contains(&Iterations(usize::MAX).key_points(10).len()));
    }

    #[test]
    fn there_is_room_around_values() {
        assert_eq!(around([]), 0.0..1.0);
        assert_eq!(around([2.0]), 1.99..2.01);
        assert_eq!(around([0.0, 100.0, 50.0]), -6.0..106.0);
    }

    #[test]
    fn no_value_makes_an_axis_endless() {
        for strange in [1e308, -1e308, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            assert_eq!(around([strange, 2.0]), around([2.0]));
            assert_eq!(around([strange]), 0.0..1.0);
        }
        let high = around([1e20]);
        assert!((high.end - high.start) / 1e20 > 1e-7, "{high:?}");
        assert!(Logarithmic(f64::NEG_INFINITY..f64::INFINITY, "").key_points(10).len() < 2000);
    }
}
