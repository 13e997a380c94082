//! The figures: accuracy and NID by the share of parameters removed (the paper's Fig. 5), and the
//! number of filters of each convolution.

use super::series::Series;
use anyhow::{Result, ensure};
use common::files::atomic;
use plot::axes::{Axis, Margin, around, short_label};
use plot::{Area, Drawn, palette, svg};
use plotters::prelude::*;
use std::path::Path;

/// The names of the files.
pub const FILES: [&str; 2] = ["accuracy.svg", "widths.svg"];

/// Width and height of a panel in pixels.
const PANEL: (u32, u32) = (560, 440);
/// Height of a convolution's row in pixels, and of the caption and the axis together.
const ROW: u32 = 22;
const AROUND_ROWS: u32 = 110;

/// Writes both figures to a folder.
///
/// # Errors
/// Fails if the series are not of one network, or if a figure cannot be drawn or written.
pub fn write(series: &[Series], folder: &Path) -> Result<()> {
    let original = |series: &Series| -> (u64, Vec<(String, usize)>) {
        let widths =
            series.report.widths.iter().map(|width| (width.convolution.clone(), width.before));
        (series.report.parameters_before, widths.collect())
    };
    for other in series {
        ensure!(
            original(other) == original(&series[0]),
            "{} and {} are not of the same network before pruning",
            series[0].label,
            other.label
        );
    }
    for (file, svg) in FILES.into_iter().zip([accuracy(series)?, widths(series)?]) {
        atomic::write(&folder.join(file), svg.as_bytes())?;
    }
    Ok(())
}

/// Draws a panel of the accuracies and one of their NID.
fn accuracy(series: &[Series]) -> Result<String> {
    svg((2 * PANEL.0, PANEL.1), |area| {
        let panels = area.split_evenly((1, 2));
        let title = "filled: fine-tuned, hollow: before, triangle: from scratch";
        draw_panel(&panels[0], series, title, "validation accuracy (%)", |_, point| point)?;
        draw_panel(&panels[1], series, "NID", "accuracy per million parameters", Series::nid)
    })
}

fn draw_panel(
    area: &Area<'_>,
    all: &[Series],
    title: &str,
    y_title: &str,
    value: impl Fn(&Series, (f64, f64)) -> (f64, f64),
) -> Drawn {
    let line = |series: &Series, tuned| -> Vec<(f64, f64)> {
        series.points(tuned).into_iter().map(|point| value(series, point)).collect()
    };
    let from_scratch = |series: &Series| {
        let accuracy = series.from_scratch?;
        Some(value(series, (100.0 * series.report.removed, 100.0 * accuracy)))
    };
    let values = all.iter().flat_map(|series| [line(series, true), line(series, false)].concat());
    let values: Vec<(f64, f64)> = values.chain(all.iter().filter_map(from_scratch)).collect();
    let mut chart = ChartBuilder::on(area)
        .margin(14)
        .caption(title, ("sans-serif", 17))
        .x_label_area_size(48)
        .y_label_area_size(70)
        .build_cartesian_2d(
            around(values.iter().map(|v| v.0), Margin::PERCENT),
            around(values.iter().map(|v| v.1), Margin::PERCENT),
        )?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc("trainable parameters pruned (%)")
        .y_desc(y_title)
        .x_label_formatter(&|x| short_label(*x))
        .y_label_formatter(&|y| short_label(*y))
        .label_style(("sans-serif", 15))
        .draw()?;
    for (index, series) in all.iter().enumerate() {
        let color = palette::series(index);
        let tuned = line(series, true);
        chart
            .draw_series(LineSeries::new(tuned.clone(), color.stroke_width(2)))?
            .label(&series.label)
            .legend(move |(x, y)| Circle::new((x + 10, y), 5, color.filled()));
        chart.draw_series(tuned.into_iter().map(|point| Circle::new(point, 5, color.filled())))?;
        // The first point is the original, which is not fine-tuned.
        let untuned = line(series, false).into_iter().skip(1);
        chart.draw_series(untuned.map(|point| Circle::new(point, 5, color.stroke_width(2))))?;
        chart.draw_series(
            from_scratch(series).map(|point| TriangleMarker::new(point, 9, color.filled())),
        )?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerLeft)
        .background_style(WHITE.mix(0.8))
        .label_font(("sans-serif", 15))
        .draw()?;
    Ok(())
}

/// Draws a row for each convolution: a bar of its filters before pruning, and a dot of those after
/// it for each series.
fn widths(all: &[Series]) -> Result<String> {
    let rows = all.first().map_or(&[][..], |series| &series.report.widths[..]);
    let widest = rows.iter().map(|row| row.before).max().unwrap_or(1) as f64;
    svg((PANEL.0 + 200, AROUND_ROWS + ROW * rows.len() as u32), |area| {
        let names = rows.iter().map(|row| row.convolution.clone()).collect();
        let mut chart = ChartBuilder::on(area)
            .margin(14)
            .caption("bar: filters before pruning, dot: after", ("sans-serif", 17))
            .x_label_area_size(48)
            .y_label_area_size(190)
            .build_cartesian_2d(0.0..widest * 1.05, Axis::rows(names))?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .disable_y_mesh()
            .x_desc("filters")
            .x_label_formatter(&|x| short_label(*x))
            .label_style(("sans-serif", 14))
            .draw()?;
        let bars = rows.iter().enumerate().map(|(row, width)| {
            let row = row as f64;
            Rectangle::new(
                [(0.0, row - 0.36), (width.before as f64, row + 0.36)],
                palette::BAR.filled(),
            )
        });
        chart.draw_series(bars)?;
        for (index, series) in all.iter().enumerate() {
            let color = palette::series(index);
            // One below the other, so that dots of equal widths stay apart.
            let offset = (index as f64 + 1.0) / (all.len() as f64 + 1.0) - 0.5;
            let dots = series.report.widths.iter().enumerate();
            let dots = dots.map(|(row, width)| {
                Circle::new((width.after as f64, row as f64 + offset), 4, color.filled())
            });
            chart
                .draw_series(dots)?
                .label(&series.label)
                .legend(move |(x, y)| Circle::new((x + 10, y), 5, color.filled()));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.8))
            .label_font(("sans-serif", 15))
            .draw()?;
        Ok(())
    })
}
