//! The figure of a search: every evaluation by parameters and error, and the front.

use super::axes::{Logarithmic, around};
use super::{Area, Drawn, svg};
use crate::archive;
use crate::controller::Search;
use anyhow::Result;
use common::objective::Objective;
use common::search_files::Evaluation;
use plotters::prelude::*;
use std::ops::Range;

/// Width and height in pixels.
const SIZE: (u32, u32) = (900, 600);
/// Colours of the first and of the last iteration; those between are mixed. Both stand out from white, and the
/// lightness tells them apart without colour.
const FIRST: RGBColor = RGBColor(250, 170, 60);
const LAST: RGBColor = RGBColor(60, 40, 140);
/// How strongly those are coloured that were trained no further, being weak: their errors are those of a part.
const STOPPED: f64 = 0.35;

/// Draws the figure of a search of so many planned iterations, as SVG.
///
/// # Errors
/// A figure that cannot be drawn.
pub(super) fn draw(search: &Search, iterations: usize) -> Result<String> {
    svg(SIZE, |area| fill(area, search, iterations))
}

fn fill(area: &Area<'_>, search: &Search, iterations: usize) -> Drawn {
    let (x, y) = limits(&search.evaluations);
    let stopped = search.evaluations.iter().filter(|e| e.stopped_after.is_some()).count();
    let pale = if stopped == 0 { String::new() } else { format!(", {stopped} of them stopped early (pale)") };
    let title = format!("Search space explored: {} evaluations{pale}", search.evaluations.len());
    let mut chart = ChartBuilder::on(area)
        .margin(20)
        .caption(title, ("sans-serif", 22))
        .x_label_area_size(50)
        .y_label_area_size(70)
        .build_cartesian_2d(Logarithmic(x, ""), y)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc("trainable parameters (logarithmic)")
        .y_desc("validation error")
        .y_label_formatter(&|error| format!("{error:.3}"))
        .label_style(("sans-serif", 15))
        .draw()?;
    let mut front: Vec<(f64, f64)> =
        archive::front(&search.evaluations, &Objective::PAPER).into_iter().map(place).collect();
    front.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    front.dedup();
    // Steps: between two points of the front, only what is worse than the left one is attained.
    let steps = front.windows(2).flat_map(|pair| [(pair[1].0, pair[0].1), pair[1]]);
    let line = LineSeries::new(front.first().copied().into_iter().chain(steps), BLACK.stroke_width(2));
    chart.draw_series(line)?.label("front").legend(|(x, y)| PathElement::new([(x, y), (x + 16, y)], BLACK));
    chart.draw_series(front.iter().map(|place| Circle::new(*place, 7, BLACK)))?;
    let last = iterations.saturating_sub(1);
    for iteration in 0..=last {
        let colour = mix(iteration, last);
        let of_it = search.evaluations.iter().filter(|e| e.iteration == iteration);
        let strength = |e: &Evaluation| if e.stopped_after.is_some() { STOPPED } else { 1.0 };
        let dots = chart.draw_series(of_it.map(|e| Circle::new(place(e), 4, colour.mix(strength(e)).filled())))?;
        if iteration == 0 || iteration == last {
            dots.label(format!("iteration {}", iteration + 1))
                .legend(move |(x, y)| Circle::new((x + 8, y), 4, colour.filled()));
        }
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .border_style(BLACK)
        .background_style(WHITE.mix(0.7))
        .label_font(("sans-serif", 15))
        .draw()?;
    Ok(())
}

/// An evaluation's place: log10 of the parameters, and the error.
fn place(evaluation: &Evaluation) -> (f64, f64) {
    let [error, parameters] = evaluation.objectives();
    (parameters.max(1.0).log10(), error)
}

/// Both axes' ranges, with some room around the points.
fn limits(evaluations: &[Evaluation]) -> (Range<f64>, Range<f64>) {
    let (x, y): (Vec<f64>, Vec<f64>) = evaluations.iter().map(place).unzip();
    (around(x), around(y))
}

/// The colour of an iteration, counted from 0.
pub(super) fn mix(iteration: usize, last: usize) -> RGBColor {
    let share = if last == 0 { 0.0 } else { iteration as f64 / last as f64 };
    let channel = |from: u8, to: u8| (f64::from(from) + share * (f64::from(to) - f64::from(from))).round() as u8;
    RGBColor(channel(FIRST.0, LAST.0), channel(FIRST.1, LAST.1), channel(FIRST.2, LAST.2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::Candidate;
    use crate::test_support::{config, search};

    #[test]
    fn every_evaluation_is_a_dot_and_the_front_is_ringed() {
        let accuracy = |c: &Candidate| 0.5 + c.counts.parameters as f64 / 1000.0 + c.index as f64 / 100.0;
        let search = search(&config(10, 3), |c| Ok(accuracy(c)));
        let svg = draw(&search, 3).unwrap();
        let mut front: Vec<(f64, f64)> =
            archive::front(&search.evaluations, &Objective::PAPER).into_iter().map(place).collect();
        front.sort_by(|a, b| a.partial_cmp(b).unwrap());
        front.dedup();
        // Two more dots are in the legend.
        assert_eq!(svg.matches("<circle").count(), 30 + front.len() + 2);
        for text in
            ["30 evaluations", "trainable parameters", "validation error", "iteration 1", "iteration 3", "front"]
        {
            assert!(svg.contains(text), "{text}");
        }
    }

    #[test]
    fn one_point_is_no_division_by_zero() {
        let search = search(&config(1, 1), |_| Ok(0.5));
        assert!(draw(&search, 1).unwrap().contains("<circle"));
    }
}
