//! The measurements as a figure: what the controller adds and takes by the number of tasks.

use crate::Row;
use anyhow::{Context, Result};
use common::files::atomic;
use plot::axes::Axis;
use plot::{Area, Drawn, palette, svg};
use plotters::prelude::*;
use std::path::Path;

/// Width and height in pixels.
const SIZE: (u32, u32) = (760, 420);

/// Draws the share of time that the controller adds to the tasks', and its processor time as a share
/// of theirs.
///
/// # Errors
/// Fails if the file cannot be written.
pub(crate) fn write(path: &Path, rows: &[Row]) -> Result<()> {
    let svg = svg(SIZE, |area| fill(area, rows))?;
    atomic::create_dir_all(path.parent().context("the figure has no folder")?)?;
    atomic::write(path, svg.as_bytes())
}

fn fill(area: &Area<'_>, rows: &[Row]) -> Drawn {
    let most = rows.iter().map(|row| row.tasks).max().unwrap_or(1);
    let mut chart = ChartBuilder::on(area)
        .margin(20)
        .x_label_area_size(50)
        .y_label_area_size(80)
        .build_cartesian_2d(decades(0, most.ilog10() as i32), decades(-3, 3))?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc("tasks at once")
        .y_desc("% of the tasks' time")
        .label_style(("sans-serif", 15))
        .draw()?;
    let added: Share = |row| row.idle().1;
    let processor: Share = |row| row.cpu_s / row.sum_s;
    for (label, colour, share) in [
        ("time that the controller adds", palette::BLUE, added),
        ("processor time of the controller", palette::ORANGE, processor),
    ] {
        let point = |row: &Row| {
            ((row.tasks as f64).log10(), (100.0 * share(row)).max(1e-6).log10().clamp(-3.0, 3.0))
        };
        let points: Vec<(f64, f64)> = rows.iter().map(point).collect();
        chart
            .draw_series(LineSeries::new(points.clone(), colour.stroke_width(2)))?
            .label(label)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
        chart.draw_series(points.into_iter().map(|at| Circle::new(at, 4, colour.filled())))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .border_style(BLACK)
        .background_style(WHITE.mix(0.8))
        .label_font(("sans-serif", 15))
        .draw()?;
    Ok(())
}

/// Returns an axis of log10 with a tick at each power of ten.
fn decades(first: i32, last: i32) -> Axis {
    let range = f64::from(first)..f64::from(last) + 0.05;
    Axis::new(range, (first..=last).map(f64::from), |log| {
        format!("{}", 10f64.powi(log.round() as i32))
    })
}

/// A share of the tasks' time that a row has.
type Share = fn(&Row) -> f64;
