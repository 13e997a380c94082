//! The figure of a search: every evaluation by parameters and error, and the archive's front.

use crate::search::state::SearchState;
use anyhow::Result;
use common::search::evaluation::Evaluation;
use plot::axes::{Axis, Margin, around};
use plot::{Area, Drawn, palette, svg};
use plotters::prelude::*;
use std::ops::Range;

/// Width and height in pixels.
const SIZE: (u32, u32) = (900, 600);

/// The mark of an evaluation, which shows how reliable its accuracy is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// A disc: one training in full.
    Once,
    /// A square: the mean of two trainings.
    Twice,
    /// A ring: a part of a training.
    Stopped,
    /// A cross: no accuracy.
    Failed,
}

impl Mark {
    fn of(evaluation: &Evaluation) -> Mark {
        match (evaluation.accuracy, evaluation.stopped_after, evaluation.second_accuracy) {
            (None, ..) => Mark::Failed,
            (Some(_), Some(_), _) => Mark::Stopped,
            (Some(_), None, Some(_)) => Mark::Twice,
            (Some(_), None, None) => Mark::Once,
        }
    }
}

fn square(colour: RGBColor) -> Rectangle<(i32, i32)> {
    Rectangle::new([(-4, -4), (4, 4)], colour.filled())
}

/// Draws the figure of a search with this number of planned iterations, as SVG.
///
/// # Errors
/// Fails if the figure cannot be drawn.
pub(super) fn draw(search: &SearchState, iterations: usize) -> Result<String> {
    svg(SIZE, |area| fill(area, search, iterations))
}

fn fill(area: &Area<'_>, search: &SearchState, iterations: usize) -> Drawn {
    let (x, y) = limits(&search.evaluations);
    let mut chart = ChartBuilder::on(area)
        .margin(20)
        .caption(
            format!("Search space explored: {} evaluations", search.evaluations.len()),
            ("sans-serif", 22),
        )
        .x_label_area_size(50)
        .y_label_area_size(70)
        .build_cartesian_2d(Axis::logarithmic(x, ""), y)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc("trainable parameters (logarithmic)")
        .y_desc("validation error")
        .y_label_formatter(&|error| format!("{error:.3}"))
        .label_style(("sans-serif", 15))
        .draw()?;
    let front = front(search);
    // Steps: between two points of the front, only what is worse than the left one is attained.
    let steps = front.windows(2).flat_map(|pair| [(pair[1].0, pair[0].1), pair[1]]);
    let line =
        LineSeries::new(front.first().copied().into_iter().chain(steps), BLACK.stroke_width(2));
    chart
        .draw_series(line)?
        .label("front")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 16, y)], BLACK));
    chart.draw_series(front.iter().map(|place| Circle::new(*place, 7, BLACK)))?;
    let last = iterations.saturating_sub(1);
    for iteration in 0..=last {
        let colour = palette::gradient(&palette::AMBER_TO_INDIGO, iteration, iterations);
        let marked = |mark| {
            search
                .evaluations
                .iter()
                .filter(move |e| e.iteration == iteration && Mark::of(e) == mark)
        };
        chart.draw_series(marked(Mark::Failed).map(|e| Cross::new(place(e), 4, colour)))?;
        chart.draw_series(marked(Mark::Stopped).map(|e| Circle::new(place(e), 4, colour)))?;
        let dots = chart
            .draw_series(marked(Mark::Once).map(|e| Circle::new(place(e), 4, colour.filled())))?;
        if iteration == 0 || iteration == last {
            dots.label(format!("iteration {}", iteration + 1))
                .legend(move |(x, y)| Circle::new((x + 8, y), 4, colour.filled()));
        }
        chart.draw_series(
            marked(Mark::Twice).map(|e| EmptyElement::at(place(e)) + square(colour)),
        )?;
    }
    let any = |mark| search.evaluations.iter().any(|evaluation| Mark::of(evaluation) == mark);
    let nothing = || std::iter::empty::<Circle<(f64, f64), i32>>();
    if any(Mark::Twice) {
        let label = chart.draw_series(nothing())?.label("mean of 2 seeds");
        label.legend(|(x, y)| EmptyElement::at((x + 8, y)) + square(BLACK));
    }
    if any(Mark::Stopped) {
        chart
            .draw_series(nothing())?
            .label("stopped early")
            .legend(|(x, y)| Circle::new((x + 8, y), 4, BLACK));
    }
    if any(Mark::Failed) {
        chart
            .draw_series(nothing())?
            .label("failed")
            .legend(|(x, y)| Cross::new((x + 8, y), 4, BLACK));
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

/// Returns the positions of the archive's front, from the smallest network on. With other
/// objectives than error and parameters, the error may rise in between.
fn front(search: &SearchState) -> Vec<(f64, f64)> {
    let front = search.archive.individuals.iter().filter(|individual| individual.on_front);
    let mut places: Vec<(f64, f64)> =
        front.map(|individual| place(&individual.evaluation)).collect();
    places.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    places.dedup();
    places
}

/// Returns the position of an evaluation: log10 of the parameters, and the error.
fn place(evaluation: &Evaluation) -> (f64, f64) {
    let [error, parameters] = evaluation.objectives();
    (parameters.max(1.0).log10(), error)
}

/// Returns the ranges of both axes, with some room around the points.
fn limits(evaluations: &[Evaluation]) -> (Range<f64>, Range<f64>) {
    let (x, y): (Vec<f64>, Vec<f64>) = evaluations.iter().map(place).unzip();
    (around(x, Margin::UNIT), around(y, Margin::UNIT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::candidate::Candidate;
    use crate::test_support::{config, search};
    use common::search::objective::Objective;

    fn searched() -> SearchState {
        let accuracy =
            |c: &Candidate| 0.5 + c.counts.parameters as f64 / 1000.0 + c.index as f64 / 100.0;
        search(&config(10, 3), |c| Ok(accuracy(c)))
    }

    #[test]
    fn every_evaluation_is_a_dot_and_the_front_is_ringed() {
        let search = searched();
        let svg = draw(&search, 3).unwrap();
        // Two more dots are in the legend.
        assert_eq!(svg.matches("<circle").count(), 30 + front(&search).len() + 2);
        for text in [
            "30 evaluations",
            "trainable parameters",
            "validation error",
            "iteration 1",
            "iteration 3",
            "front",
        ] {
            assert!(svg.contains(text), "{text}");
        }
        assert!(
            ["stopped early", "mean of 2 seeds", "failed"].iter().all(|text| !svg.contains(text))
        );
    }

    #[test]
    fn what_was_stopped_failed_or_trained_twice_is_marked() {
        let mut search = searched();
        let plain = draw(&search, 3).unwrap();
        search.evaluations[3].stopped_after = Some(1);
        search.evaluations[4].stopped_after = Some(1);
        search.evaluations[5].second_accuracy = Some(0.5);
        search.evaluations[6].accuracy = None;
        let svg = draw(&search, 3).unwrap();
        let count = |svg: &str, text: &str| svg.matches(text).count();
        let hollow = "fill=\"none\" stroke=\"#FAAA3C\"";
        assert_eq!((count(&plain, hollow), count(&svg, hollow)), (0, 2));
        // The legend has one of each.
        assert_eq!(count(&plain, "<circle") - count(&svg, "<circle"), 2 - 1);
        assert_eq!(count(&svg, "<rect") - count(&plain, "<rect"), 1 + 1);
        for text in ["stopped early", "mean of 2 seeds", "failed"] {
            assert!(svg.contains(text), "{text}");
        }
    }

    /// The archive has three objectives, the figure shows two of them: all members of the front are
    /// on the line.
    #[test]
    fn the_line_goes_through_the_whole_front_of_the_archive() {
        use common::search::objective::Quantity::{Error, Macs, Params};
        let mut config = config(10, 3);
        config.search.objectives = [Error, Params, Macs].map(Objective::of).into();
        let mut search = search(&config, |c| Ok(0.5 + c.index as f64 / 100.0));
        search.archive.individuals.iter_mut().for_each(|individual| individual.on_front = true);
        let svg = draw(&search, 3).unwrap();
        let line = svg
            .split("<polyline")
            .map(|rest| rest.split("/>").next().unwrap())
            .find(|line| line.contains("stroke-width=\"2\""));
        let line = line.unwrap().split("points=\"").nth(1).unwrap().split('"').next().unwrap();
        let corners: Vec<&str> = line.split_whitespace().collect();
        let rings: Vec<&str> =
            svg.split("<circle ").filter(|rest| rest.contains("r=\"7\"")).collect();
        assert_eq!(rings.len(), front(&search).len());
        for ring in rings {
            let number = |name: &str| {
                ring.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap()
            };
            let corner = format!("{},{}", number("cx"), number("cy"));
            assert!(corners.contains(&corner.as_str()), "{corner} is not on {corners:?}");
        }
    }

    #[test]
    fn one_point_is_no_division_by_zero() {
        let search = search(&config(1, 1), |_| Ok(0.5));
        assert!(draw(&search, 1).unwrap().contains("<circle"));
    }
}
