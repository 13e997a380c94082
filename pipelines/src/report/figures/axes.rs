//! Ranges, ticks and colours that the figures share.

use anyhow::Result;
use plotters::chart::ChartContext;
use plotters::coord::combinators::WithKeyPoints;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::{Cartesian2d, LogCoord, SVGBackend};
use plotters::style::{Color, IntoFont, RGBColor, WHITE};
use std::ops::Range;

/// Beyond, steps between ticks would be lost in rounding.
const MOST: f64 = 1e30;
/// Text of ticks and labels, and of axis titles, in pixels.
pub(super) const TICK_TEXT: u32 = 17;
const TITLE_TEXT: u32 = 19;
/// Lines and text that are not data.
pub(super) const INK: RGBColor = RGBColor(38, 42, 48);
const GRID: RGBColor = RGBColor(226, 229, 233);

/// From early to late: viridis without its palest end, which white swallows.
const SCALE: [RGBColor; 5] = [
    RGBColor(68, 1, 84),
    RGBColor(59, 82, 139),
    RGBColor(33, 145, 140),
    RGBColor(94, 201, 98),
    RGBColor(215, 200, 40),
];

/// A range on a logarithmic axis around positive values, with room at both ends.
pub(super) fn log_range(values: impl Iterator<Item = f64> + Clone) -> Range<f64> {
    let (low, high) = ends(values.filter(|value| *value > 0.0));
    low / 1.3..high * 1.3
}

/// A range on a linear axis around values, with room at both ends, within `limits`.
pub(super) fn linear_range(
    values: impl Iterator<Item = f64> + Clone,
    limits: Range<f64>,
) -> Range<f64> {
    let (low, high) = ends(values);
    let room = ((high - low) * 0.1).max(0.5);
    (low - room).max(limits.start).min(limits.end - 0.5)
        ..(high + room).min(limits.end).max(limits.start + 0.5)
}

/// The lowest and the highest of the values that an axis can show; of 1 where there are none.
fn ends(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let shown = values.filter(|value| value.abs() <= MOST);
    let low_high = shown.fold(None, |ends: Option<(f64, f64)>, value| {
        let (low, high) = ends.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    });
    low_high.unwrap_or((1.0, 1.0))
}

/// Ticks of a logarithmic axis: 1, 2 and 5 times powers of ten.
pub(super) fn log_ticks(range: &Range<f64>) -> Vec<f64> {
    let exponents = range.start.log10().floor() as i32..=range.end.log10().ceil() as i32;
    let all =
        exponents.flat_map(|exponent| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(exponent)));
    all.filter(|tick| range.contains(tick)).collect()
}

/// A tick of a count: `50 k`, `2 M`.
pub(super) fn count_label(value: &f64) -> String {
    match *value {
        v if v >= 1e6 => format!("{} M", v / 1e6),
        v if v >= 1e3 => format!("{} k", v / 1e3),
        v => format!("{v}"),
    }
}

/// A tick in per cent, with a decimal where the range is narrow.
pub(super) fn percent_label(range: &Range<f64>) -> impl Fn(&f64) -> String + use<> {
    let decimals = if range.end - range.start < 5.0 { 1 } else { 0 };
    move |value| format!("{value:.decimals$} %")
}

/// A plane with parameters on a logarithmic axis and per cents on a linear one.
type Plane<'a> =
    ChartContext<'a, SVGBackend<'a>, Cartesian2d<WithKeyPoints<LogCoord<f64>>, RangedCoordf64>>;

/// Draws grid, axes, labels and titles.
pub(super) fn draw(
    chart: &mut Plane,
    y_label: &dyn Fn(&f64) -> String,
    y_title: &str,
) -> Result<()> {
    chart
        .configure_mesh()
        .light_line_style(WHITE.mix(0.0))
        .bold_line_style(GRID)
        .axis_style(INK)
        .y_labels(7)
        .x_label_formatter(&count_label)
        .y_label_formatter(y_label)
        .label_style(("sans-serif", TICK_TEXT).into_font().color(&INK))
        .axis_desc_style(("sans-serif", TITLE_TEXT).into_font().color(&INK))
        .x_desc("trainable parameters (logarithmic)")
        .y_desc(y_title)
        .draw()?;
    Ok(())
}

/// The colour of step `index` of `count`.
pub(super) fn scale_color(index: usize, count: usize) -> RGBColor {
    let place = index as f64 / (count.max(2) - 1) as f64 * (SCALE.len() - 1) as f64;
    let left = (place as usize).min(SCALE.len() - 2);
    let (RGBColor(r0, g0, b0), RGBColor(r1, g1, b1)) = (SCALE[left], SCALE[left + 1]);
    let mix = |a: u8, b: u8| {
        (f64::from(a) + (f64::from(b) - f64::from(a)) * (place - left as f64)).round() as u8
    };
    RGBColor(mix(r0, r1), mix(g0, g1), mix(b0, b1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_lie_inside_and_read_well() {
        let ticks = log_ticks(&(15_000.0..1_400_000.0));
        let labels: Vec<String> = ticks.iter().map(count_label).collect();
        assert_eq!(labels, ["20 k", "50 k", "100 k", "200 k", "500 k", "1 M"]);
    }

    #[test]
    fn a_single_value_still_has_a_range() {
        let log = log_range([65_074.0].into_iter());
        let linear = linear_range([100.0].into_iter(), 0.0..100.0);
        assert!(log.start < 65_074.0 && 65_074.0 < log.end);
        assert!(linear.start < 100.0 && linear.end == 100.0);
    }

    #[test]
    fn no_value_makes_an_axis_endless() {
        for strange in [
            0.0,
            -1.0,
            1e308,
            -1e308,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
            f64::MIN_POSITIVE,
        ] {
            let log = log_range([strange].into_iter());
            assert!(log.start < log.end && log_ticks(&log).len() < 10, "{log:?}");
            let linear = linear_range([strange].into_iter(), 0.0..100.0);
            assert!(
                linear.start < linear.end && linear.start >= 0.0 && linear.end <= 100.0,
                "{linear:?}"
            );
            let both = log_range([strange, 50_000.0].into_iter());
            assert!(both.contains(&50_000.0) && log_ticks(&both).len() < 1000, "{both:?}");
        }
    }

    #[test]
    fn colours_run_from_one_end_to_the_other() {
        assert_eq!(scale_color(0, 8), SCALE[0]);
        assert_eq!(scale_color(7, 8), SCALE[4]);
        assert_eq!(scale_color(0, 1), SCALE[0]);
        assert_eq!(scale_color(2, 5), SCALE[2]);
    }
}
