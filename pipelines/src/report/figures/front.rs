//! The figure of the Pareto front: validation error over trainable parameters of all networks that
//! the search trained, and the front of the archive.

use super::axes::{self, TICK_TEXT};
use super::figure::{Figure, SIZE};
use crate::report::run_folder::Run;
use crate::report::winner::Winner;
use anyhow::Result;
use common::precision::Precision;
use common::search::evaluation::Evaluation;
use common::search::objective::Objective;
use plot::axes::Axis;
use plot::palette::{INK, VIRIDIS, gradient};
use plot::{Area, Drawn, svg};
use plotters::prelude::{
    ChartBuilder, Circle, EmptyElement, LineSeries, PathElement, Rectangle, Text,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont, ShapeStyle, TextStyle};

/// Width of the panel that explains colours and marks.
const KEY_WIDTH: u32 = 132;

/// One evaluated network on the plane.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    parameters: f64,
    /// In per cent.
    error: f64,
    iteration: usize,
    mark: Mark,
}

impl Point {
    fn place(&self) -> (f64, f64) {
        (axes::position(self.parameters), self.error)
    }
}

/// How an evaluation is drawn, by the trainings that its accuracy comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// A disc: one training in full.
    Once,
    /// A square: the mean of two trainings.
    Twice,
    /// A ring: a part of a training.
    Stopped,
}

/// The content of the figure.
struct Plane {
    points: Vec<Point>,
    /// The archive's front.
    front: Vec<Point>,
    /// The winners' ranks and points.
    winners: Vec<(usize, Point)>,
}

impl Plane {
    fn count(&self, mark: Mark) -> usize {
        self.points.iter().filter(|point| point.mark == mark).count()
    }
}

/// Draws the figure; returns `None` if no training succeeded.
pub(super) fn draw(run: &Run) -> Result<Option<Figure>> {
    let on_front =
        run.archive.iter().flat_map(|archive| &archive.individuals).filter(|i| i.on_front);
    let plane = Plane {
        points: run.evaluations.iter().filter_map(point).collect(),
        front: on_front.filter_map(|individual| point(&individual.evaluation)).collect(),
        winners: winners(run),
    };
    if plane.points.is_empty() {
        return Ok(None);
    }
    let svg = svg(SIZE, |area| fill(area, &plane))?;
    let caption = caption(run, &plane);
    Ok(Some(Figure::new("front.svg", "Pareto front of the search", caption, &svg)))
}

fn point(evaluation: &Evaluation) -> Option<Point> {
    let error = (1.0 - evaluation.accuracy?) * 100.0;
    let mark = match (evaluation.stopped_after, evaluation.second_accuracy) {
        (Some(_), _) => Mark::Stopped,
        (None, Some(_)) => Mark::Twice,
        (None, None) => Mark::Once,
    };
    Some(Point {
        parameters: evaluation.parameters as f64,
        error,
        iteration: evaluation.iteration,
        mark,
    })
}

fn winners(run: &Run) -> Vec<(usize, Point)> {
    let of = |winner: &Winner| {
        let individual = winner.individual.as_ref()?;
        Some((winner.rank?, point(&individual.evaluation)?))
    };
    run.winners.iter().filter_map(of).collect()
}

fn caption(run: &Run, plane: &Plane) -> String {
    let paper = Objective::PAPER;
    let objectives = run.search.as_ref().map_or(&paper[..], |search| &search.search.objectives);
    let names = objectives.iter().map(Objective::to_string).collect::<Vec<_>>().join(", ");
    let mut caption = format!(
        "Every point is a network that the search trained, {} in all; the line is the front of its archive, by {names}, \
         and rings are the winners by rank. Lower left is better.",
        plane.points.len()
    );
    if run.search.as_ref().is_some_and(|search| search.precision == Precision::Int8) {
        caption += " Errors are those of int8 networks.";
    }
    if objectives != paper {
        caption += " The axes are not what it went by, so the line may rise.";
    }
    let (twice, stopped) = (plane.count(Mark::Twice), plane.count(Mark::Stopped));
    if twice > 0 {
        caption += &format!(" Squares ({twice}) are means of two seeds.");
    }
    if stopped > 0 {
        caption += &format!(
            " Small rings ({stopped}) were stopped early: their errors are those of a part of a training, and they are \
             not on the front."
        );
    }
    let left_out = left_out(run, objectives);
    if left_out > 0 {
        caption += &format!(
            " {left_out} more that nothing dominates had no place in the archive, so they may lie below the line."
        );
    }
    caption += &match run.evaluations.len() - plane.points.len() {
        0 => String::new(),
        1 => " One training failed and is not shown.".into(),
        failed => format!(" {failed} trainings failed and are not shown."),
    };
    caption
}

/// Returns the number of full evaluations that nothing dominates and that are not in the archive,
/// which was too small for its front.
fn left_out(run: &Run, objectives: &[Objective]) -> usize {
    let Some(archive) = &run.archive else { return 0 };
    let vector =
        |e: &Evaluation| objectives.iter().map(|o| e.objective(o)).collect::<Option<Vec<f64>>>();
    // No selection has been made yet from an unfinished iteration.
    let finished =
        run.evaluations.iter().filter(|e| e.is_fully_trained() && e.iteration < archive.iterations);
    let in_full: Vec<(&str, Vec<f64>)> =
        finished.filter_map(|e| Some((e.id.as_str(), vector(e)?))).collect();
    let dominates = |a: &[f64], b: &[f64]| a != b && a.iter().zip(b).all(|(a, b)| a <= b);
    let outside =
        |id: &str| archive.individuals.iter().all(|individual| individual.evaluation.id != id);
    let left_out = in_full.iter().filter(|(id, point)| {
        outside(id) && !in_full.iter().any(|(_, other)| dominates(other, point))
    });
    left_out.count()
}

/// Returns the line through all points of a front as a staircase from the smallest network on:
/// between two points, the front attains the error of the left one.
fn staircase(front: &[Point], right_end: f64) -> Vec<(f64, f64)> {
    let mut sorted: Vec<(f64, f64)> = front.iter().map(Point::place).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
    let mut corners: Vec<(f64, f64)> = Vec::new();
    for (parameters, error) in sorted {
        corners.extend(corners.last().map(|(_, before)| (parameters, *before)));
        corners.push((parameters, error));
    }
    corners.extend(corners.last().map(|(_, last)| (right_end, *last)));
    corners
}

fn fill(root: &Area<'_>, plane: &Plane) -> Drawn {
    let Plane { points, front, winners } = plane;
    let (area, key) = root.split_horizontally(SIZE.0 - KEY_WIDTH);
    let x = axes::position_range(points.iter().map(|p| p.place().0));
    let y = axes::percent_range(points.iter().map(|p| p.error));
    let corners = staircase(front, x.end);
    let mut chart = ChartBuilder::on(&area)
        .margin(14)
        .x_label_area_size(58)
        .y_label_area_size(78)
        .build_cartesian_2d(Axis::logarithmic(x, ""), y.clone())?;
    axes::draw(&mut chart, &y, "validation error")?;
    chart.draw_series(LineSeries::new(corners, INK.stroke_width(2)))?;
    let iterations = iterations(points);
    let marked =
        |mark| points.iter().filter(move |p| p.mark == mark).map(|p| (p.place(), p.iteration));
    let color = |iteration| gradient(&VIRIDIS, iteration, iterations);
    let filled = |iteration| color(iteration).mix(0.85).filled();
    chart.draw_series(
        marked(Mark::Stopped).map(|(place, iteration)| Circle::new(place, 4, color(iteration))),
    )?;
    chart.draw_series(
        marked(Mark::Once).map(|(place, iteration)| Circle::new(place, 5, filled(iteration))),
    )?;
    chart
        .draw_series(marked(Mark::Twice).map(|(place, iteration)| {
            EmptyElement::at(place) + square((0, 0), filled(iteration))
        }))?;
    // Labels of neighbours on the front are on different sides.
    let mut by_size = winners.to_vec();
    by_size.sort_by(|a, b| a.1.parameters.total_cmp(&b.1.parameters));
    chart.draw_series(by_size.iter().enumerate().map(|(index, (rank, p))| {
        let above = index % 2 == 0;
        let style = label(if above { VPos::Bottom } else { VPos::Top });
        EmptyElement::at(p.place())
            + Circle::new((0, 0), 9, INK.stroke_width(2))
            + Text::new(format!("#{rank}"), (8, if above { -9 } else { 9 }), style)
    }))?;
    draw_key(&key, iterations, plane)
}

fn iterations(points: &[Point]) -> usize {
    points.iter().map(|p| p.iteration + 1).max().unwrap_or(1)
}

fn square((x, y): (i32, i32), style: ShapeStyle) -> Rectangle<(i32, i32)> {
    Rectangle::new([(x - 5, y - 5), (x + 5, y + 5)], style)
}

fn label(vertical: VPos) -> TextStyle<'static> {
    ("sans-serif", TICK_TEXT).into_font().color(&INK).pos(Pos::new(HPos::Left, vertical))
}

/// Draws the key: colours of the iterations, the front's line, the winners' rings and the marks.
fn draw_key(key: &Area<'_>, iterations: usize, plane: &Plane) -> Drawn {
    let style = label(VPos::Center);
    let (left, mut top) = (6, 28);
    key.draw(&Text::new("iteration", (left, top), style.clone()))?;
    top += 18;
    let step = (160 / iterations as i32).clamp(3, 22);
    for iteration in 0..iterations {
        let y = top + iteration as i32 * step;
        let color = gradient(&VIRIDIS, iteration, iterations).filled();
        key.draw(&Rectangle::new([(left, y), (left + 18, y + step)], color))?;
    }
    let middle = |iteration: usize| top + iteration as i32 * step + step / 2;
    key.draw(&Text::new("0", (left + 26, middle(0)), style.clone()))?;
    if iterations > 1 {
        let last = iterations - 1;
        key.draw(&Text::new(last.to_string(), (left + 26, middle(last)), style.clone()))?;
    }
    let mut y = top + iterations as i32 * step + 34;
    key.draw(&PathElement::new(vec![(left, y), (left + 20, y)], INK.stroke_width(2)))?;
    key.draw(&Text::new("front", (left + 28, y), style.clone()))?;
    if !plane.winners.is_empty() {
        y += 32;
        key.draw(&Circle::new((left + 10, y), 9, INK.stroke_width(2)))?;
        key.draw(&Text::new("winner", (left + 28, y), style.clone()))?;
    }
    if plane.count(Mark::Twice) > 0 {
        y += 32;
        key.draw(&square((left + 10, y), INK.filled()))?;
        key.draw(&Text::new("2 seeds", (left + 28, y), style.clone()))?;
    }
    if plane.count(Mark::Stopped) > 0 {
        y += 32;
        key.draw(&Circle::new((left + 10, y), 4, INK))?;
        key.draw(&Text::new("stopped", (left + 28, y), style))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(parameters: f64, error: f64) -> Point {
        Point { parameters, error, iteration: 0, mark: Mark::Once }
    }

    #[test]
    fn the_line_goes_through_every_member_of_the_front() {
        let front = [at(40.0, 1.0), at(10.0, 9.0), at(20.0, 5.0)];
        let x = axes::position;
        let expected = [
            (x(10.0), 9.0),
            (x(20.0), 9.0),
            (x(20.0), 5.0),
            (x(40.0), 5.0),
            (x(40.0), 1.0),
            (x(50.0), 1.0),
        ];
        assert_eq!(staircase(&front, x(50.0)), expected);
        // By a third objective, a larger network may be on the front that is worse by both axes, or
        // another of one size.
        let front = [at(10.0, 5.0), at(20.0, 8.0), at(20.0, 6.0)];
        let corners = staircase(&front, x(50.0));
        assert!(front.iter().all(|p| corners.contains(&p.place())), "{corners:?}");
        assert!(staircase(&[], 50.0).is_empty());
    }

    #[test]
    fn one_point_can_be_drawn() {
        let (front, winners) = (vec![at(65_074.0, 0.0)], vec![(1, at(65_074.0, 0.0))]);
        let plane = Plane { points: front.clone(), front, winners };
        let svg = svg(SIZE, |area| fill(area, &plane)).unwrap();
        assert!(svg.contains("#1") && svg.trim_end().ends_with("</svg>"), "{svg}");
        assert!(!svg.contains("NaN"), "{svg}");
    }
}
