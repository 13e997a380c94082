//! The comparison as a figure: the fraction of the best hypervolume by epochs trained so far.

use crate::compare::{Comparison, Searches};
use crate::report::{after, quartiles};
use anyhow::{Context, Result};
use common::files::atomic;
use plot::{Area, Drawn, palette, svg};
use plotters::prelude::*;
use std::path::Path;

/// Width and height in pixels.
const SIZE: (u32, u32) = (900, 600);
/// A colour for each kind of search.
const COLOURS: [RGBColor; 11] = [
    palette::GREY,
    palette::ORANGE,
    palette::BLUE,
    palette::GREEN,
    palette::SKY_BLUE,
    BLACK,
    palette::OLIVE,
    palette::YELLOW,
    palette::WINE,
    palette::VERMILION,
    palette::PURPLE,
];
/// Number of epochs between the points of a curve.
const STEP: usize = 20;
/// Lower end of the vertical axis, so that differences are visible.
const LOWEST: f64 = 0.8;

/// Draws the median of each kind of search as a line within the band of its quartiles.
///
/// # Errors
/// Fails if the file cannot be written.
pub(crate) fn write(path: &Path, comparison: &Comparison) -> Result<()> {
    let svg = svg(SIZE, |area| fill(area, comparison))?;
    atomic::create_dir_all(path.parent().context("the figure has no folder")?)?;
    atomic::write(path, svg.as_bytes())
}

fn fill(area: &Area<'_>, comparison: &Comparison) -> Drawn {
    let mut chart = ChartBuilder::on(area)
        .margin(20)
        .x_label_area_size(50)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..comparison.epochs as f64, LOWEST..1.0)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc("epochs trained so far")
        .y_desc("share of the exhaustive hypervolume")
        .x_label_formatter(&|epochs| format!("{epochs:.0}"))
        .y_label_formatter(&|share| format!("{share:.2}"))
        .label_style(("sans-serif", 15))
        .draw()?;
    let curves: Vec<Vec<(f64, [f64; 3])>> =
        comparison.searches.iter().map(|searches| curve(searches, comparison.epochs)).collect();
    for (curve, colour) in curves.iter().zip(colours()) {
        let lower = curve.iter().map(|(epochs, [low, _, _])| (*epochs, *low));
        let upper = curve.iter().rev().map(|(epochs, [_, _, high])| (*epochs, *high));
        let band: Vec<(f64, f64)> = lower.chain(upper).collect();
        chart.draw_series([Polygon::new(band, colour.mix(0.12).filled())])?;
    }
    for ((curve, colour), searches) in curves.iter().zip(colours()).zip(&comparison.searches) {
        let median = curve.iter().map(|(epochs, [_, median, _])| (*epochs, *median));
        chart
            .draw_series(LineSeries::new(median, colour.stroke_width(2)))?
            .label(&searches.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .border_style(BLACK)
        .background_style(WHITE.mix(0.8))
        .label_font(("sans-serif", 15))
        .draw()?;
    Ok(())
}

/// Returns the colours, repeated without end.
fn colours() -> impl Iterator<Item = RGBColor> {
    COLOURS.into_iter().cycle()
}

/// Returns the quartiles by epochs, from the first epoch at which all three are within the figure
/// to the end of the longest search.
fn curve(searches: &Searches, epochs: usize) -> Vec<(f64, [f64; 3])> {
    let ends = searches.trajectories.iter().filter_map(|trajectory| trajectory.last());
    let end = ends.map(|(spent, _)| *spent).max().unwrap_or(0).min(epochs);
    let at = |epochs| {
        let shares =
            searches.trajectories.iter().map(|trajectory| after(trajectory, epochs)).collect();
        (epochs as f64, quartiles(shares))
    };
    let inside = |(_, quartiles): &(f64, [f64; 3])| quartiles[0] >= LOWEST;
    (0..=end).step_by(STEP).map(at).skip_while(|point| !inside(point)).collect()
}
