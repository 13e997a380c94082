//! Hypervolume and Score by iteration, each with a straight line through it (the paper's Fig. 3).

use crate::search::quality::{points, scale};
use crate::search::state::SearchState;
use anyhow::Result;
use common::search::config::SearchConfig;
use common::search::evaluation::Evaluation;
use plot::axes::{Axis, Margin, around};
use plot::{Area, Drawn, Line, palette, svg};
use plotters::prelude::*;

/// Width and height of a panel in pixels.
const PANEL: (u32, u32) = (440, 380);

/// A quantity by iteration, counted from 1; iterations without it are left out.
struct Curve {
    title: &'static str,
    axis: &'static str,
    values: Vec<(f64, f64)>,
}

/// Draws the figure of a search as SVG.
///
/// # Errors
/// Fails if the figure cannot be drawn.
pub(super) fn draw(search: &SearchState, config: &SearchConfig) -> Result<String> {
    let all = series(&search.evaluations, config.search.worst_error);
    svg((PANEL.0 * all.len() as u32, PANEL.1), |area| {
        let panels = area.split_evenly((1, all.len()));
        panels
            .iter()
            .zip(&all)
            .try_for_each(|(panel, series)| draw_panel(panel, series, config.search.iterations))
    })
}

/// Returns the quantities. The hypervolume covers all evaluations up to an iteration and has the scale
/// of those up to now; Scores are those of an iteration's own population.
fn series(evaluations: &[Evaluation], worst_error: Option<f64>) -> [Curve; 3] {
    let (mut volumes, mut means, mut bests) = (Vec::new(), Vec::new(), Vec::new());
    let scale = scale(evaluations, worst_error);
    let mut end = 0;
    for population in evaluations.chunk_by(|a, b| a.iteration == b.iteration) {
        end += population.len();
        let number = population[0].iteration as f64 + 1.0;
        volumes.extend(scale.map(|scale| (number, scale.hypervolume(points(&evaluations[..end])))));
        let scores: Vec<f64> = population.iter().filter_map(Evaluation::score).collect();
        bests.extend(scores.iter().copied().reduce(f64::max).map(|best| (number, best)));
        if !scores.is_empty() {
            means.push((number, scores.iter().sum::<f64>() / scores.len() as f64));
        }
    }
    let score_axis = "accuracy per million parameters";
    [
        Curve { title: "Hypervolume", axis: "inside the region of interest", values: volumes },
        Curve { title: "Mean Score", axis: score_axis, values: means },
        Curve { title: "Best Score", axis: score_axis, values: bests },
    ]
}

fn draw_panel(area: &Area<'_>, series: &Curve, iterations: usize) -> Drawn {
    let values = &series.values;
    let ends: Vec<(f64, f64)> = match (Line::fit(values), values.first(), values.last()) {
        (Some(line), Some(first), Some(last)) => vec![line.point(first.0), line.point(last.0)],
        (Some(_) | None, _, _) => Vec::new(),
    };
    let title = match Line::fit(values) {
        Some(line) => format!("{}, {} per iteration", series.title, signed(line.slope)),
        None => series.title.to_string(),
    };
    let y = around(values.iter().chain(&ends).map(|value| value.1), Margin::UNIT);
    // Marks are a tenth of the range apart or more.
    let digits = (1.0 - (y.end - y.start).log10().floor()).max(0.0) as usize;
    let mut chart = ChartBuilder::on(area)
        .margin(14)
        .caption(title, ("sans-serif", 18))
        .x_label_area_size(48)
        .y_label_area_size(76)
        .build_cartesian_2d(Axis::iterations(iterations), y)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc("iteration")
        .y_desc(series.axis)
        .y_label_formatter(&|value| format!("{value:.digits$}"))
        .label_style(("sans-serif", 15))
        .draw()?;
    chart.draw_series(LineSeries::new(ends, palette::RUST.stroke_width(2)))?;
    chart
        .draw_series(values.iter().map(|value| Circle::new(*value, 4, palette::INDIGO.filled())))?;
    Ok(())
}

/// Returns a value with its sign and three significant digits.
fn signed(value: f64) -> String {
    let digits =
        if value == 0.0 { 0.0 } else { (2.0 - value.abs().log10().floor()).clamp(0.0, 9.0) };
    format!("{value:+.*}", digits as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{config, search};

    #[test]
    fn series_by_hand() {
        let mut search = search(&config(2, 3), |_| Ok(0.5));
        let numbers = [(1000, 0.5), (100, 0.1), (100, 0.5), (1000, 0.9), (10, 0.9), (1000, 0.5)];
        for (evaluation, (parameters, accuracy)) in search.evaluations.iter_mut().zip(numbers) {
            (evaluation.parameters, evaluation.accuracy) = (parameters, Some(accuracy));
        }
        search.evaluations[4].stopped_after = Some(1);
        search.evaluations[5].accuracy = None;
        let [volumes, means, bests] = series(&search.evaluations, Some(0.94));
        // Errors of 0.1 to 0.94, parameters of 100 to 1000: scaled (0.5, 1) and (1, 0), then (0.5,
        // 0) and (0, 1).
        let first = 0.55 * 0.05 + 0.05;
        let second = 0.55 * 1.05 + 0.5 * 0.05;
        for (value, want) in volumes.values.iter().zip([(1.0, first), (2.0, second), (3.0, second)])
        {
            assert!(
                value.0 == want.0 && (value.1 - want.1).abs() < 1e-12,
                "{value:?} is not {want:?}"
            );
        }
        assert_eq!(volumes.values.len(), 3);
        assert_eq!(means.values, [(1.0, 750.0), (2.0, 2950.0)]);
        assert_eq!(bests.values, [(1.0, 1000.0), (2.0, 5000.0)]);
    }

    #[test]
    fn slopes_have_three_digits() {
        let texts = [0.0194, -60.776, 1234.4, 0.0].map(signed);
        assert_eq!(texts, ["+0.0194", "-60.8", "+1234", "+0"]);
    }

    #[test]
    fn each_iteration_is_a_dot_in_each_panel() {
        let search = search(&config(10, 3), |_| Ok(0.5));
        let svg = draw(&search, &config(10, 3)).unwrap();
        assert_eq!(svg.matches("<circle").count(), 9);
        for text in ["Hypervolume", "Mean Score", "Best Score", "per iteration"] {
            assert!(svg.contains(text), "{text}");
        }
    }

    #[test]
    fn neither_one_iteration_nor_none_in_full_is_a_division_by_zero() {
        assert!(
            !draw(&search(&config(1, 1), |_| Ok(0.5)), &config(1, 1))
                .unwrap()
                .contains("per iteration")
        );
        let failed = search(&config(2, 2), |_| Err("made up".into()));
        assert!(!draw(&failed, &config(2, 2)).unwrap().contains("<circle"));
    }
}
