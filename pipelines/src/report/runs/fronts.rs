//! The figure of the fronts of several runs.

use super::found::Found;
use crate::report::figures::Figure;
use crate::report::figures::plane::{
    HEIGHT, KeyRow, Mark, WIDTH, draw_key, draw_points, key_height, plane, short_name,
};
use anyhow::Result;
use common::search::evaluation::Evaluation;
use plot::axes::{Axis, Margin, around, within};
use plot::palette::series;
use plot::{Area, Drawn, svg};

/// Draws the figure; returns `None` if no training was completed.
///
/// # Errors
/// Fails if it cannot be drawn.
pub(crate) fn figure(runs: &[Found<'_>]) -> Result<Option<Figure>> {
    let completed: usize = runs.iter().map(|found| found.completed.len()).sum();
    if completed == 0 {
        return Ok(None);
    }
    let rows: Vec<KeyRow> = runs.iter().enumerate().map(key_row).collect();
    let size = (WIDTH, HEIGHT + key_height(rows.len()));
    let svg = svg(size, |root| {
        let (area, below) = root.split_vertically(HEIGHT);
        fill(&area, runs)?;
        draw_key(&below, &rows)
    })?;
    let caption = format!(
        "Validation error against trainable parameters of the {completed} candidates whose training was completed (dots); \
         the discs and the line are the front of each run. Lower left is better."
    );
    Ok(Some(Figure::new("fronts.svg", "Fronts of the runs", caption, &svg)))
}

fn key_row((index, found): (usize, &Found<'_>)) -> KeyRow {
    let hypervolume =
        found.hypervolume.map_or_else(String::new, |volume| format!(", hypervolume {volume:.4}"));
    let name = short_name(&found.name);
    let text = format!("{name}: {} on the front{hypervolume}", found.front.len());
    KeyRow { mark: Mark::Line, color: series(index), text }
}

/// Returns the position of a candidate: log10 of the parameters, and the error in per cent.
fn place(evaluation: &Evaluation) -> (f64, f64) {
    let [error, parameters] = evaluation.objectives();
    (parameters.max(1.0).log10(), 100.0 * error)
}

/// Returns the front as a staircase: between two networks, the error is that of the smaller one.
fn staircase(front: &[&Evaluation], end: f64) -> Vec<(f64, f64)> {
    let mut corners: Vec<(f64, f64)> = vec![];
    for (parameters, error) in front.iter().map(|evaluation| place(evaluation)) {
        corners.extend(corners.last().map(|(_, before)| (parameters, *before)));
        corners.push((parameters, error));
    }
    corners.extend(corners.last().map(|(_, last)| (end, *last)));
    corners
}

fn fill(area: &Area<'_>, runs: &[Found<'_>]) -> Drawn {
    let places = || runs.iter().flat_map(|found| &found.completed).map(|e| place(e));
    let x = around(places().map(|place| place.0), Margin { share: 0.03, least: 1.3f64.log10() });
    let y = around(places().map(|place| place.1), Margin { share: 0.06, least: 0.5 });
    let y = Axis::linear(within(&y, 0.0..100.1, 0.5), "%");
    let end = x.end;
    let x = (Axis::logarithmic(x, ""), "trainable parameters");
    let mut chart = plane(area, None, x, (y, "validation error"))?;
    for (index, found) in runs.iter().enumerate() {
        let all = found.completed.iter().map(|evaluation| place(evaluation));
        draw_points(&mut chart, Mark::Dot, series(index), all)?;
    }
    for (index, found) in runs.iter().enumerate() {
        draw_points(&mut chart, Mark::Line, series(index), staircase(&found.front, end))?;
        let front = found.front.iter().map(|evaluation| place(evaluation));
        draw_points(&mut chart, Mark::Disc, series(index), front)?;
    }
    Ok(())
}
