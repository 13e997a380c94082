//! The plane of both figures: trainable parameters on a logarithmic axis, per cents on a linear
//! one.

use plot::Drawn;
use plot::axes::{Axis, Margin, around, percent_label, within};
use plot::palette::{GRID, INK};
use plotters::chart::ChartContext;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::{Cartesian2d, SVGBackend};
use plotters::style::{Color, IntoFont, WHITE};
use std::ops::Range;

/// Text of ticks and labels, and of axis titles, in pixels.
pub(super) const TICK_TEXT: u32 = 17;
const TITLE_TEXT: u32 = 19;

/// The position of a number of parameters on the horizontal axis.
pub(super) fn position(parameters: f64) -> f64 {
    parameters.max(1.0).log10()
}

/// Returns the horizontal axis's range around positions.
pub(super) fn position_range(positions: impl Iterator<Item = f64>) -> Range<f64> {
    // The ends are a factor of 1.3 away from the outermost numbers of parameters.
    around(positions, Margin { share: 0.0, least: 1.3f64.log10() })
}

/// Returns the vertical axis's range around per cents.
pub(super) fn percent_range(percents: impl Iterator<Item = f64>) -> Range<f64> {
    within(&around(percents, Margin { share: 0.1, least: 0.5 }), 0.0..100.0, 0.5)
}

type Plane<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<Axis, RangedCoordf64>>;

/// Draws grid, axes, labels and titles; the vertical axis has the range `y`.
pub(super) fn draw(chart: &mut Plane, y: &Range<f64>, y_title: &str) -> Drawn {
    chart
        .configure_mesh()
        .light_line_style(WHITE.mix(0.0))
        .bold_line_style(GRID)
        .axis_style(INK)
        .y_labels(7)
        .y_label_formatter(&percent_label(y))
        .label_style(("sans-serif", TICK_TEXT).into_font().color(&INK))
        .axis_desc_style(("sans-serif", TITLE_TEXT).into_font().color(&INK))
        .x_desc("trainable parameters (logarithmic)")
        .y_desc(y_title)
        .draw()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_value_still_has_a_range() {
        let x = position_range([position(65_074.0)].into_iter());
        assert!(x.contains(&position(65_074.0)) && 0.2 < x.end - x.start, "{x:?}");
        let y = percent_range([100.0].into_iter());
        assert!(y.start < 100.0 && y.end == 100.0, "{y:?}");
    }
}
