//! Fig. 3: mean and best Score by iteration, with straight lines through them, of one or several
//! runs.

use super::part::Part;
use crate::report::figures::Figure;
use crate::report::figures::plane::{
    HEIGHT, KeyRow, Mark, WIDTH, draw_key, draw_points, key_height, plane, short_name,
};
use anyhow::Result;
use common::search::evaluation::Evaluation;
use plot::axes::{Axis, Margin, around};
use plot::palette::series;
use plot::{Area, Drawn, Line, svg};

const TITLE: &str = "Fig. 3: convergence of the Score";

/// The Scores of a run by iteration, counted from 1, as points of a figure.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scores {
    run: String,
    /// Number of Scores.
    evaluations: usize,
    mean: Vec<(f64, f64)>,
    best: Vec<(f64, f64)>,
}

impl Scores {
    /// Computes the Scores of each iteration's own population from evaluations in their order.
    /// Failed and stopped trainings have none, and iterations of only such ones are left out.
    pub(crate) fn of(run: &str, evaluations: &[Evaluation]) -> Scores {
        let mut all = Scores { run: run.into(), evaluations: 0, mean: vec![], best: vec![] };
        for population in evaluations.chunk_by(|a, b| a.iteration == b.iteration) {
            let scores: Vec<f64> = population.iter().filter_map(Evaluation::score).collect();
            let Some(best) = scores.iter().copied().reduce(f64::max) else { continue };
            let iteration = population[0].iteration as f64 + 1.0;
            all.evaluations += scores.len();
            all.mean.push((iteration, scores.iter().sum::<f64>() / scores.len() as f64));
            all.best.push((iteration, best));
        }
        all
    }
}

/// A panel of the figure.
struct Panel {
    name: &'static str,
    of: fn(&Scores) -> &Vec<(f64, f64)>,
}

const PANELS: [Panel; 2] = [
    Panel { name: "Mean Score", of: |scores| &scores.mean },
    Panel { name: "Best Score", of: |scores| &scores.best },
];

/// Draws the figure of the runs that have Scores.
///
/// # Errors
/// Fails if the figure cannot be drawn.
pub(crate) fn part(runs: &[Scores]) -> Result<Part> {
    let runs: Vec<&Scores> = runs.iter().filter(|scores| scores.evaluations > 0).collect();
    if runs.is_empty() {
        return Ok(Part::missing(
            TITLE,
            "There is no figure of the Score: no training of a search was completed.",
        ));
    }
    let keys = PANELS.each_ref().map(|panel| key(panel, &runs));
    let heights = keys.each_ref().map(|rows| HEIGHT + key_height(rows.len()));
    let svg = svg((WIDTH, heights.iter().sum()), |root| {
        let (upper, lower) = root.split_vertically(heights[0]);
        draw_panel(&upper, &PANELS[0], &runs, &keys[0])?;
        draw_panel(&lower, &PANELS[1], &runs, &keys[1])
    })?;
    let title = "Mean and best Score by iteration, with straight lines through them";
    let figure = Figure::new("fig-3-score.svg", title, caption(&runs), &svg);
    let notes = runs.iter().filter(|scores| scores.mean.len() < 2);
    let notes = notes.map(|scores| {
        format!("{} has Scores of one iteration only, through which there is no line.", scores.run)
    });
    Ok(Part { title: TITLE.into(), figures: vec![figure], notes: notes.collect(), tables: vec![] })
}

fn caption(runs: &[&Scores]) -> String {
    let number: usize = runs.iter().map(|scores| scores.evaluations).sum();
    format!(
        "Score (validation accuracy per million parameters, the paper's Eq. 1) of the {number} completed trainings, by \
         the iteration that they belong to, with lines of least squares; y is the Score and x the iteration. A line that \
         rises shows that a search came to better networks."
    )
}

/// Returns a row for each run: its name and the equation of its line.
fn key(panel: &Panel, runs: &[&Scores]) -> Vec<KeyRow> {
    let row = |(index, scores): (usize, &&Scores)| {
        let equation = Line::fit((panel.of)(scores)).map(|line| format!(": {}", equation(line)));
        let text = format!("{}{}", short_name(&scores.run), equation.unwrap_or_default());
        KeyRow { mark: Mark::Line, color: series(index), text }
    };
    runs.iter().enumerate().map(row).collect()
}

/// Returns the equation of a line with three significant digits.
fn equation(line: Line) -> String {
    let sign = if line.intercept < 0.0 { '-' } else { '+' };
    format!("y = {} x {sign} {}", digits(line.slope), digits(line.intercept.abs()))
}

fn digits(value: f64) -> String {
    let decimals =
        if value == 0.0 { 0.0 } else { (2.0 - value.abs().log10().floor()).clamp(0.0, 9.0) };
    format!("{value:.*}", decimals as usize)
}

fn draw_panel(root: &Area<'_>, panel: &Panel, runs: &[&Scores], rows: &[KeyRow]) -> Drawn {
    let (area, below) = root.split_vertically(HEIGHT);
    let lines: Vec<Vec<(f64, f64)>> = runs.iter().map(|run| ends((panel.of)(run))).collect();
    let points = runs.iter().flat_map(|run| (panel.of)(run)).chain(lines.iter().flatten());
    let margin = Margin { share: 0.06, least: 0.01 };
    let y = Axis::linear(around(points.map(|point| point.1), margin), "");
    let last = runs.iter().flat_map(|run| (panel.of)(run)).map(|point| point.0 as usize).max();
    let x = Axis::iterations(last.unwrap_or(1));
    let mut chart = plane(&area, Some(panel.name), (x, "iteration"), (y, "Score"))?;
    for (index, (run, line)) in runs.iter().zip(&lines).enumerate() {
        draw_points(&mut chart, Mark::Line, series(index), line.iter().copied())?;
        draw_points(&mut chart, Mark::Disc, series(index), (panel.of)(run).iter().copied())?;
    }
    draw_key(&below, rows)
}

/// Returns both ends of the straight line through points; none if there is no line.
fn ends(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    match (Line::fit(points), points.first(), points.last()) {
        (Some(line), Some(first), Some(last)) => vec![line.point(first.0), line.point(last.0)],
        (Some(_) | None, _, _) => vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::paper::example::evaluation;

    #[test]
    fn scores_by_hand() {
        let mut evaluations = vec![
            evaluation(0, 0, 1000, 0.5),
            evaluation(0, 1, 100, 0.1),
            evaluation(1, 0, 100, 0.5),
            evaluation(1, 1, 1000, 0.9),
            evaluation(2, 0, 10, 0.9),
            evaluation(2, 1, 10, 0.9),
        ];
        evaluations[4].stopped_after = Some(1);
        evaluations[5].accuracy = None;
        let scores = Scores::of("a", &evaluations);
        assert_eq!(scores.mean, [(1.0, 750.0), (2.0, 2950.0)]);
        assert_eq!(scores.best, [(1.0, 1000.0), (2.0, 5000.0)]);
        assert_eq!(scores.evaluations, 4);
    }

    #[test]
    fn equations_have_three_digits() {
        let of = |slope, intercept| equation(Line { slope, intercept });
        assert_eq!(of(1.4, 2.0), "y = 1.40 x + 2.00");
        assert_eq!(of(-0.012345, -1234.4), "y = -0.0123 x - 1234");
        assert_eq!(of(0.0, 0.0), "y = 0 x + 0");
    }

    #[test]
    fn several_runs_are_in_one_figure_and_one_iteration_has_no_line() {
        let of = |name: &str, iterations: usize| {
            let all: Vec<Evaluation> = (0..iterations)
                .flat_map(|iteration| [evaluation(iteration, 0, 1000 - iteration as u64, 0.5)])
                .collect();
            Scores::of(name, &all)
        };
        let shown = part(&[of("first", 4), of("<second>", 1), of("unused", 0)]).unwrap();
        let svg = &shown.figures[0].svg;
        assert_eq!(svg.matches("<circle").count(), 2 * (4 + 1));
        assert!(svg.contains("first: y = ") && svg.contains("&lt;second&gt;"));
        assert!(!svg.contains("unused") && !svg.contains("NaN"));
        assert_eq!(shown.notes.len(), 1);
        assert!(shown.notes[0].starts_with("<second> has Scores of one iteration"));
        let nothing = part(&[]).unwrap();
        assert!(nothing.figures.is_empty() && nothing.notes.len() == 1);
    }
}
