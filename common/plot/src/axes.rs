//! Axes: their ranges, ticks and labels.
//!
//! A logarithmic axis is an axis of log10: points are drawn at the logarithms of their values, and
//! only the labels are written in the values themselves.

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use std::ops::Range;

/// The largest absolute value that a range takes into account. Beyond it, the distances between
/// ticks would be lost in rounding.
const LARGEST: f64 = 1e30;
/// The most ticks of an axis that counts something.
const MOST_TICKS: u64 = 10;

/// The room between the outermost values and the ends of an axis.
#[derive(Clone, Copy, Debug)]
pub struct Margin {
    /// Share of the distance between the outermost values.
    pub share: f64,
    /// Minimum room.
    pub least: f64,
}

impl Margin {
    /// For quantities around 1 and for logarithms.
    pub const UNIT: Margin = Margin { share: 0.06, least: 0.01 };
    /// For quantities in per cent.
    pub const PERCENT: Margin = Margin { share: 0.06, least: 0.5 };
}

/// Returns a range that holds all values, with room at both ends. NaN, infinities and values above
/// 1e30 are left out; the range is 0 to 1 if no value remains.
pub fn around(values: impl IntoIterator<Item = f64>, margin: Margin) -> Range<f64> {
    let (low, high) = values
        .into_iter()
        .filter(|value| value.abs() <= LARGEST)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (f64::min(low, value), f64::max(high, value))
        });
    if low > high {
        return 0.0..1.0;
    }
    // Less than a millionth of the values would be lost in rounding.
    let least = margin.least.max(low.abs().max(high.abs()) * 1e-6);
    let margin = ((high - low) * margin.share).max(least);
    low - margin..high + margin
}

/// Cuts a range to `limits`. The result is at least `least` wide at the end of the limits that the
/// range lies beyond.
pub fn within(range: &Range<f64>, limits: Range<f64>, least: f64) -> Range<f64> {
    range.start.clamp(limits.start, limits.end - least)
        ..range.end.clamp(limits.start + least, limits.end)
}

/// An axis on which equal distances are equal differences, with ticks at given places.
pub struct Axis {
    range: Range<f64>,
    ticks: Vec<f64>,
    label: Box<dyn Fn(f64) -> String>,
}

impl Axis {
    /// Returns an axis over a range with a tick at each of `ticks` that lies inside.
    pub fn new(
        range: Range<f64>,
        ticks: impl IntoIterator<Item = f64>,
        label: impl Fn(f64) -> String + 'static,
    ) -> Axis {
        let ticks = ticks.into_iter().filter(|tick| range.contains(tick)).collect();
        Axis { range, ticks, label: Box::new(label) }
    }

    /// Returns an axis over a range of log10 of a quantity, with ticks at 1, 2 and 5 times powers
    /// of ten. Labels have a metric prefix and the unit: `20 us`, `500 k`.
    pub fn logarithmic(range: Range<f64>, unit: &'static str) -> Axis {
        // No f64 has a larger or smaller exponent.
        let exponent = |end: f64| (end as i32).clamp(-330, 310);
        let exponents = exponent(range.start.floor())..=exponent(range.end.ceil());
        let ticks = exponents.flat_map(|exponent| {
            [1.0f64, 2.0, 5.0].map(|digit| digit.log10() + f64::from(exponent))
        });
        Axis::new(range, ticks, move |log| with_prefix(10f64.powf(log), unit))
    }

    /// Returns an axis over a range with at most ten ticks at round numbers, and a unit behind each
    /// label: `90 %`.
    pub fn linear(range: Range<f64>, unit: &'static str) -> Axis {
        let step = round_distance(range.end - range.start);
        let decimals = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
        let first = (range.start / step).ceil();
        let ticks = (0..=MOST_TICKS).map(move |n| (first + n as f64) * step);
        // Adding 0 makes -0 to 0.
        let label = move |value: f64| format!("{:.decimals$} {unit}", value + 0.0);
        Axis::new(range, ticks, move |value| label(value).trim_end().to_string())
    }

    /// Returns an axis of iterations, counted from 1, with room for half of one at both ends.
    pub fn iterations(count: usize) -> Axis {
        let step = round_step(count as u64) as usize;
        let ticks = (step..=count).step_by(step).map(|iteration| iteration as f64);
        Axis::new(0.5..count.max(1) as f64 + 0.5, ticks, |iteration| format!("{iteration:.0}"))
    }

    /// Returns a vertical axis of rows, counted from 0 at the top, with a tick at each.
    pub fn rows(labels: Vec<String>) -> Axis {
        // Upside down, since vertical axes go up.
        let range = labels.len() as f64 - 0.5..-0.5;
        let ticks = (0..labels.len()).map(|row| row as f64).collect();
        let label = move |row: f64| labels.get(row.round() as usize).cloned().unwrap_or_default();
        Axis { range, ticks, label: Box::new(label) }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (start, end): (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start);
        start + (share * f64::from(end - start)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        (self.label)(*value)
    }
}

/// Returns the distance of ticks on an axis from 0 to `end`: 1, 2 or 5 times a power of ten, so
/// that there are at most ten ticks above 0.
pub fn round_step(end: u64) -> u64 {
    let steps = (0..20).flat_map(|power| {
        [1, 2, 5].into_iter().filter_map(move |digit| 10u64.pow(power).checked_mul(digit))
    });
    steps.into_iter().find(|step| end / step <= MOST_TICKS).unwrap_or(u64::MAX)
}

/// Returns the distance of ticks on an axis of this length: 1, 2 or 5 times a power of ten, so that
/// it holds at most ten of them.
fn round_distance(length: f64) -> f64 {
    let least = length / MOST_TICKS as f64;
    let power = 10f64.powf(least.log10().floor());
    let fitting = [1.0, 2.0, 5.0].into_iter().find(|digit| digit * power >= least);
    fitting.unwrap_or(10.0) * power
}

/// Returns a number with at most three decimals, without the noise of its computation.
pub fn short_label(value: f64) -> String {
    ((value * 1e3).round() / 1e3).to_string()
}

/// Returns a function that labels ticks in per cent, with one decimal if the range is narrow.
pub fn percent_label(range: &Range<f64>) -> impl Fn(&f64) -> String + use<> {
    let decimals = if range.end - range.start < 5.0 { 1 } else { 0 };
    move |value| format!("{value:.decimals$} %")
}

/// Returns a positive quantity with a metric prefix and its unit.
fn with_prefix(quantity: f64, unit: &str) -> String {
    let prefixes = [(1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "u")];
    let fitting = prefixes.into_iter().find(|(factor, _)| quantity >= factor * 0.999);
    let (factor, prefix) = fitting.unwrap_or((1e-9, "n"));
    format!("{} {prefix}{unit}", short_label(quantity / factor)).trim_end().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARGIN: Margin = Margin::UNIT;
    const STRANGE: [f64; 5] = [1e308, -1e308, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];

    fn labels(axis: &Axis) -> Vec<String> {
        axis.key_points(10).iter().map(|tick| axis.format_ext(tick)).collect()
    }

    #[test]
    fn logarithmic_ticks_are_round_numbers() {
        let axis = Axis::logarithmic(4.28..5.8, "");
        assert_eq!(labels(&axis), ["20 k", "50 k", "100 k", "200 k", "500 k"]);
        let axis = Axis::logarithmic(15_000f64.log10()..1_400_000f64.log10(), "");
        assert_eq!(labels(&axis), ["20 k", "50 k", "100 k", "200 k", "500 k", "1 M"]);
        assert!(Axis::logarithmic(f64::NEG_INFINITY..f64::INFINITY, "").ticks.len() < 2000);
    }

    #[test]
    fn labels_have_metric_prefixes() {
        assert_eq!([5e6, 200.0, 1.0].map(|value| with_prefix(value, "")), ["5 M", "200", "1"]);
        let times = [2e-5, 1e-3, 1e-7].map(|value| with_prefix(value, "s"));
        assert_eq!(times, ["20 us", "1 ms", "100 ns"]);
        assert_eq!(with_prefix(0.5, "J"), "500 mJ");
    }

    #[test]
    fn iterations_have_ten_ticks_at_most() {
        assert_eq!(labels(&Axis::iterations(3)), ["1", "2", "3"]);
        assert_eq!(labels(&Axis::iterations(25)), ["5", "10", "15", "20", "25"]);
        assert_eq!(Axis::iterations(100).ticks.len(), 10);
        assert!(Axis::iterations(0).ticks.is_empty());
        assert!((1..=10).contains(&Axis::iterations(usize::MAX).ticks.len()));
    }

    #[test]
    fn linear_ticks_are_round_numbers_with_their_unit() {
        let axis = Axis::linear(-0.5..5.2, "%");
        assert_eq!(labels(&axis), ["0 %", "1 %", "2 %", "3 %", "4 %", "5 %"]);
        let axis = Axis::linear(0.912..0.95, "");
        assert_eq!(labels(&axis)[..3], ["0.915", "0.920", "0.925"]);
        assert_eq!(
            labels(&Axis::linear(3e3..2e4, "")),
            ["4000", "6000", "8000", "10000", "12000", "14000", "16000", "18000"]
        );
        for length in [1e-9, 0.5, 1.0, 7.0, 99.0, 1e9] {
            assert!((2..=11).contains(&Axis::linear(0.0..length, "").ticks.len()), "{length}");
        }
    }

    #[test]
    fn steps_are_round_and_few() {
        assert_eq!([0, 9, 111, 283_744, 600_000].map(round_step), [1, 1, 20, 50_000, 100_000]);
        assert_eq!(round_step(u64::MAX), 2_000_000_000_000_000_000);
    }

    #[test]
    fn the_first_row_is_on_top() {
        let axis = Axis::rows(vec!["a".into(), "b".into()]);
        assert_eq!(labels(&axis), ["a", "b"]);
        assert_eq!([-0.5, 0.0, 1.0, 1.5].map(|row| axis.map(&row, (100, 0))), [0, 25, 75, 100]);
        assert!(Axis::rows(vec![]).ticks.is_empty());
    }

    #[test]
    fn percents_have_a_decimal_on_a_narrow_axis() {
        assert_eq!(percent_label(&(90.0..94.0))(&92.5), "92.5 %");
        assert_eq!(percent_label(&(0.0..100.0))(&20.0), "20 %");
    }

    #[test]
    fn there_is_room_around_values() {
        assert_eq!(around([], MARGIN), 0.0..1.0);
        assert_eq!(around([2.0], MARGIN), 1.99..2.01);
        assert_eq!(around([0.0, 100.0, 50.0], MARGIN), -6.0..106.0);
    }

    #[test]
    fn no_value_makes_an_axis_endless() {
        for strange in STRANGE {
            assert_eq!(around([strange, 2.0], MARGIN), around([2.0], MARGIN));
            assert_eq!(around([strange], MARGIN), 0.0..1.0);
            let range = within(&around([strange], MARGIN), 0.0..100.0, 0.5);
            assert!(0.0 <= range.start && range.start < range.end && range.end <= 100.0);
        }
        let high = around([1e20], MARGIN);
        assert!((high.end - high.start) / 1e20 > 1e-7, "{high:?}");
    }

    #[test]
    fn a_range_is_cut_to_its_limits() {
        assert_eq!(within(&(-3.0..40.0), 0.0..100.0, 0.5), 0.0..40.0);
        assert_eq!(within(&(99.5..100.5), 0.0..100.0, 0.5), 99.5..100.0);
        assert_eq!(within(&(200.0..300.0), 0.0..100.0, 0.5), 99.5..100.0);
        assert_eq!(within(&(-9.0..-8.0), 0.0..100.0, 0.5), 0.0..0.5);
    }
}
