//! Round numbers along an axis, and coordinates in pixels.

use std::ops::Range;

/// Returns round numbers in a range: at most `most` and two at its ends, at a distance of 1, 2 or 5
/// times a power of ten that is at least `least`.
pub(super) fn ticks(range: &Range<f64>, most: usize, least: f64) -> Vec<f64> {
    let width = range.end - range.start;
    if !width.is_finite() || width <= 0.0 {
        return vec![];
    }
    let power = 10f64.powf((width / most as f64).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power);
    let fitting = steps.into_iter().find(|step| width / step <= most as f64);
    let step = fitting.unwrap_or(10.0 * power).max(least);
    let (first, last) = ((range.start / step).ceil() as i64, (range.end / step).floor() as i64);
    (first..=last).map(|n| n as f64 * step).collect()
}

/// Returns a coordinate with one decimal at most, as SVG files have it.
pub(super) fn px(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    // There is no -0 in a drawing.
    (rounded + 0.0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(ticks(&(0.0..20.0), 4, 1.0), [0.0, 5.0, 10.0, 15.0, 20.0]);
        assert_eq!(ticks(&(0.9..2.1), 5, 1.0), [1.0, 2.0], "no half epochs");
        assert_eq!(ticks(&(96.1..99.3), 4, 0.0), [97.0, 98.0, 99.0]);
        assert_eq!(ticks(&(0.0..7e6), 4, 1.0), [0.0, 2e6, 4e6, 6e6]);
        assert!(ticks(&(1.0..1.0), 4, 0.0).is_empty());
        assert!(ticks(&(0.0..f64::INFINITY), 4, 0.0).is_empty());
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!([12.0, 3.16, -0.01].map(px), ["12", "3.2", "0"]);
    }
}
