//! The Pareto front: validation error over trainable parameters of every network that the search trained.

use super::axes::{self, INK, TICK_TEXT};
use super::{Figure, SIZE};
use crate::report::run_folder::{Run, Winner};
use anyhow::Result;
use common::search_files::Evaluation;
use plotters::coord::Shift;
use plotters::coord::combinators::BindKeyPoints;
use plotters::prelude::{
    ChartBuilder, Circle, DrawingArea, EmptyElement, IntoDrawingArea, IntoLogRange, LineSeries, PathElement, Rectangle,
    SVGBackend, Text, WHITE,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont, TextStyle};

/// Width of the panel that explains colours and marks.
const KEY_WIDTH: u32 = 120;

/// One evaluated network on the plane.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    parameters: f64,
    /// In per cent.
    error: f64,
    iteration: usize,
}

/// `None` where no training succeeded.
pub(super) fn draw(run: &Run) -> Result<Option<Figure>> {
    let points: Vec<Point> = run.evaluations.iter().filter_map(point).collect();
    if points.is_empty() {
        return Ok(None);
    }
    let winners = winners(run);
    let mut svg = String::new();
    draw_svg(&mut svg, &points, &winners)?;
    let failed = run.evaluations.len() - points.len();
    let failures = match failed {
        0 => String::new(),
        1 => " One training failed and is not shown.".into(),
        _ => format!(" {failed} trainings failed and are not shown."),
    };
    let caption = format!(
        "Every point is a network that the search trained, {} in all; the line is the Pareto front of the two \
         objectives, and rings are the winners by rank. Lower left is better.{failures}",
        points.len()
    );
    Ok(Some(Figure { file: "front.svg", title: "Pareto front of the search", caption, svg }))
}

fn point(evaluation: &Evaluation) -> Option<Point> {
    let error = (1.0 - evaluation.accuracy?) * 100.0;
    Some(Point { parameters: evaluation.parameters as f64, error, iteration: evaluation.iteration })
}

/// The winners' ranks and where they stand.
fn winners(run: &Run) -> Vec<(usize, Point)> {
    let of = |winner: &Winner| {
        let individual = winner.individual.as_ref()?;
        Some((winner.rank, point(&individual.evaluation)?))
    };
    run.winners.iter().filter_map(of).collect()
}

/// The points that no other point dominates, as the corners of a staircase from the smallest network on.
fn staircase(points: &[Point], right_end: f64) -> Vec<(f64, f64)> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a.parameters.total_cmp(&b.parameters).then(a.error.total_cmp(&b.error)));
    let mut corners: Vec<(f64, f64)> = Vec::new();
    for point in sorted {
        match corners.last() {
            Some((_, best)) if point.error >= *best => {}
            Some((_, best)) => corners.extend([(point.parameters, *best), (point.parameters, point.error)]),
            None => corners.push((point.parameters, point.error)),
        }
    }
    corners.extend(corners.last().map(|(_, best)| (right_end, *best)));
    corners
}

fn draw_svg(svg: &mut String, points: &[Point], winners: &[(usize, Point)]) -> Result<()> {
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let (plane, key) = root.split_horizontally(SIZE.0 - KEY_WIDTH);
    let x = axes::log_range(points.iter().map(|p| p.parameters));
    let y = axes::linear_range(points.iter().map(|p| p.error), 0.0..100.0);
    let corners = staircase(points, x.end);
    let y_label = axes::percent_label(&y);
    let x_axis = x.clone().log_scale().with_key_points(axes::log_ticks(&x));
    let mut chart = ChartBuilder::on(&plane)
        .margin(14)
        .x_label_area_size(58)
        .y_label_area_size(78)
        .build_cartesian_2d(x_axis, y)?;
    axes::draw(&mut chart, &y_label, "validation error")?;
    chart.draw_series(LineSeries::new(corners, INK.stroke_width(2)))?;
    let iterations = iterations(points);
    chart.draw_series(points.iter().map(|p| {
        Circle::new((p.parameters, p.error), 5, axes::scale_color(p.iteration, iterations).mix(0.85).filled())
    }))?;
    // Neighbours on the front get their labels on different sides.
    let mut by_size = winners.to_vec();
    by_size.sort_by(|a, b| a.1.parameters.total_cmp(&b.1.parameters));
    chart.draw_series(by_size.iter().enumerate().map(|(index, (rank, p))| {
        let above = index % 2 == 0;
        let style = label(if above { VPos::Bottom } else { VPos::Top });
        EmptyElement::at((p.parameters, p.error))
            + Circle::new((0, 0), 9, INK.stroke_width(2))
            + Text::new(format!("#{rank}"), (8, if above { -9 } else { 9 }), style)
    }))?;
    draw_key(&key, iterations, !winners.is_empty())?;
    root.present()?;
    Ok(())
}

fn iterations(points: &[Point]) -> usize {
    points.iter().map(|p| p.iteration + 1).max().unwrap_or(1)
}

fn label(vertical: VPos) -> TextStyle<'static> {
    ("sans-serif", TICK_TEXT).into_font().color(&INK).pos(Pos::new(HPos::Left, vertical))
}

/// The colours of the iterations, the front's line and the winners' rings.
fn draw_key(key: &DrawingArea<SVGBackend<'_>, Shift>, iterations: usize, rings: bool) -> Result<()> {
    let style = label(VPos::Center);
    let (left, mut top) = (6, 28);
    key.draw(&Text::new("iteration", (left, top), style.clone()))?;
    top += 18;
    let step = (160 / iterations as i32).clamp(3, 22);
    for iteration in 0..iterations {
        let y = top + iteration as i32 * step;
        let color = axes::scale_color(iteration, iterations).filled();
        key.draw(&Rectangle::new([(left, y), (left + 18, y + step)], color))?;
    }
    let middle = |iteration: usize| top + iteration as i32 * step + step / 2;
    key.draw(&Text::new("0", (left + 26, middle(0)), style.clone()))?;
    if iterations > 1 {
        let last = iterations - 1;
        key.draw(&Text::new(last.to_string(), (left + 26, middle(last)), style.clone()))?;
    }
    let y = top + iterations as i32 * step + 34;
    key.draw(&PathElement::new(vec![(left, y), (left + 20, y)], INK.stroke_width(2)))?;
    key.draw(&Text::new("front", (left + 28, y), style.clone()))?;
    if rings {
        key.draw(&Circle::new((left + 10, y + 32), 9, INK.stroke_width(2)))?;
        key.draw(&Text::new("winner", (left + 28, y + 32), style))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(parameters: f64, error: f64) -> Point {
        Point { parameters, error, iteration: 0 }
    }

    #[test]
    fn the_front_has_no_dominated_point() {
        let points = [at(30.0, 5.0), at(10.0, 9.0), at(20.0, 9.5), at(20.0, 5.0), at(40.0, 1.0), at(10.0, 9.0)];
        let expected = [(10.0, 9.0), (20.0, 9.0), (20.0, 5.0), (40.0, 5.0), (40.0, 1.0), (50.0, 1.0)];
        assert_eq!(staircase(&points, 50.0), expected);
        assert!(staircase(&[], 50.0).is_empty());
    }

    #[test]
    fn one_point_can_be_drawn() {
        let mut svg = String::new();
        draw_svg(&mut svg, &[at(65_074.0, 0.0)], &[(1, at(65_074.0, 0.0))]).unwrap();
        assert!(svg.contains("#1") && svg.trim_end().ends_with("</svg>"), "{svg}");
        assert!(!svg.contains("NaN"), "{svg}");
    }
}
