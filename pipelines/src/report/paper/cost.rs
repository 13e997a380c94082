//! Fig. 1b: latency and energy of one inference against trainable parameters.

use super::part::Part;
use crate::report::figures::Figure;
use crate::report::figures::plane::{
    HEIGHT, KeyRow, Mark, WIDTH, draw_key, draw_points, key_height, plane,
};
use crate::report::run_folder::Run;
use crate::report::variant::Variant;
use anyhow::Result;
use common::measurement::Measurement;
use common::precision::Precision;
use common::search::board_costs::BoardCosts;
use common::search::config::SearchConfig;
use plot::axes::{Axis, Margin, around};
use plot::palette::{INK, series};
use plot::{Area, Drawn, svg};
use std::collections::{BTreeMap, BTreeSet};

const TITLE: &str = "Fig. 1b: cost against parameters";

/// A quantity of an inference.
struct Quantity {
    name: &'static str,
    unit: &'static str,
    file: &'static str,
    title: &'static str,
    measured: fn(&Measurement) -> Option<f64>,
    searched: fn(&BoardCosts) -> Option<f64>,
}

const LATENCY: Quantity = Quantity {
    name: "latency",
    unit: "s",
    file: "fig-1b-latency.svg",
    title: "Latency of an inference by parameters",
    measured: |measurement| Some(measurement.latency.p50_s),
    searched: |costs| costs.latency_s,
};
const ENERGY: Quantity = Quantity {
    name: "energy",
    unit: "J",
    file: "fig-1b-energy.svg",
    title: "Energy of an inference by parameters",
    measured: |measurement| measurement.energy.gross_j,
    searched: |costs| costs.energy_j,
};

/// A measured network: parameters and the quantity, both as log10.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    place: (f64, f64),
    mark: Mark,
}

/// What a mark stands for, in the order of the key.
const MARKS: [(Mark, &str); 4] = [
    (Mark::Disc, "f32"),
    (Mark::Ring, "int8"),
    (Mark::Square, "baseline"),
    (Mark::Dot, "candidate of the search"),
];

/// Draws both figures as far as there are measurements.
///
/// # Errors
/// Fails if a figure cannot be drawn.
pub(super) fn part(run: &Run) -> Result<Part> {
    let mut part = Part { title: TITLE.into(), ..Part::default() };
    for quantity in [ENERGY, LATENCY] {
        let points = points(run, &quantity);
        if points.is_empty() {
            part.notes.push(reason(run, &quantity));
        } else {
            part.figures.push(figure(&quantity, &points)?);
        }
    }
    part.notes.extend(left_out(run));
    Ok(part)
}

/// Returns the measured networks by board; emulated boards are left out.
fn points<'a>(run: &'a Run, quantity: &Quantity) -> BTreeMap<&'a str, Vec<Point>> {
    let mut points: BTreeMap<&str, Vec<Point>> = BTreeMap::new();
    let mut add = |board: &'a str, parameters: u64, value: Option<f64>, mark: Mark| {
        if let Some(value) = value {
            let place = ((parameters.max(1) as f64).log10(), value.max(f64::MIN_POSITIVE).log10());
            points.entry(board).or_default().push(Point { place, mark });
        }
    };
    for (variant, mark) in networks(run) {
        let Some(counts) = variant.counts else { continue };
        for board in variant.measurements.keys() {
            let measured = variant.measurement(board).ok().filter(|m| !m.emulated);
            add(board, counts.parameters, measured.and_then(quantity.measured), mark);
        }
    }
    let boards = run.search.iter().flat_map(SearchConfig::all_boards);
    for (name, board) in boards.filter(|(_, board)| !board.is_emulated()) {
        for evaluation in &run.evaluations {
            let value = (quantity.searched)(&evaluation.costs(name));
            add(&board.name, evaluation.parameters, value, Mark::Dot);
        }
    }
    points
}

/// Returns all networks of the run that may have been measured, each with its mark.
fn networks(run: &Run) -> impl Iterator<Item = (&Variant, Mark)> {
    let of_precision = |precision| match precision {
        Precision::F32 => Mark::Disc,
        Precision::Int8 => Mark::Ring,
    };
    let own =
        run.variants().map(move |(_, kind, variant)| (variant, of_precision(kind.precision())));
    own.chain(run.baselines.iter().map(|(_, variant)| (variant, Mark::Square)))
}

/// Returns why there is nothing to draw.
fn reason(run: &Run, quantity: &Quantity) -> String {
    let measured = networks(run)
        .flat_map(|(variant, _)| variant.measurements.keys().map(move |board| (variant, board)))
        .filter_map(|(variant, board)| variant.measurement(board).ok())
        .find(|measurement| !measurement.emulated);
    match measured {
        None => format!(
            "There is no figure of {}: no network of this run was measured on a board that is not emulated (`make measure`).",
            quantity.name
        ),
        Some(measurement) => format!(
            "There is no figure of {}: no meter on {} ({}).",
            quantity.name,
            measurement.board,
            measurement.energy.reason.as_deref().unwrap_or("the measurement gives no reason")
        ),
    }
}

fn left_out(run: &Run) -> Option<String> {
    let measurements = networks(run).flat_map(|(variant, _)| variant.measurements.iter());
    let emulated: BTreeSet<&str> = measurements
        .filter(|(_, measurement)| measurement.emulated)
        .map(|(board, _)| board.as_str())
        .collect();
    let boards = emulated.into_iter().collect::<Vec<_>>().join(", ");
    (!boards.is_empty())
        .then(|| format!("{boards} is left out: an emulator's times say nothing about a board."))
}

fn figure(quantity: &Quantity, points: &BTreeMap<&str, Vec<Point>>) -> Result<Figure> {
    let rows = key(points);
    let size = (WIDTH, HEIGHT + key_height(rows.len()));
    let svg = svg(size, |area| fill(area, quantity, points, &rows))?;
    let number: usize = points.values().map(Vec::len).sum();
    let caption = format!(
        "Median {} of one inference against trainable parameters, both on logarithmic axes, of {number} measured {}.",
        quantity.name,
        if number == 1 { "network" } else { "networks" }
    );
    Ok(Figure::new(quantity.file, quantity.title, caption, &svg))
}

/// Returns a row for each board, and for each mark if there are several.
fn key(points: &BTreeMap<&str, Vec<Point>>) -> Vec<KeyRow> {
    let boards = points.keys().enumerate().map(|(index, board)| KeyRow {
        mark: Mark::Line,
        color: series(index),
        text: (*board).to_string(),
    });
    let there = |mark| points.values().flatten().any(|point| point.mark == mark);
    let marks: Vec<KeyRow> = MARKS
        .into_iter()
        .filter(|(mark, _)| there(*mark))
        .map(|(mark, text)| KeyRow { mark, color: INK, text: text.into() })
        .collect();
    let explained = if marks.len() > 1 { marks } else { vec![] };
    boards.chain(explained).collect()
}

fn fill(
    root: &Area<'_>,
    quantity: &Quantity,
    points: &BTreeMap<&str, Vec<Point>>,
    rows: &[KeyRow],
) -> Drawn {
    let (area, below) = root.split_vertically(HEIGHT);
    let all = || points.values().flatten();
    let margin = Margin { share: 0.05, least: 1.3f64.log10() };
    let x = Axis::logarithmic(around(all().map(|point| point.place.0), margin), "");
    let y = Axis::logarithmic(around(all().map(|point| point.place.1), margin), quantity.unit);
    let y_title = format!("median {} of an inference", quantity.name);
    let mut chart = plane(&area, None, (x, "trainable parameters"), (y, &y_title))?;
    for (index, (_, of_board)) in points.iter().enumerate() {
        // Candidates first: the other networks lie above them.
        for (mark, _) in MARKS.into_iter().rev() {
            let marked = of_board.iter().filter(|point| point.mark == mark);
            draw_points(&mut chart, mark, series(index), marked.map(|point| point.place))?;
        }
    }
    draw_key(&below, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_network_is_a_mark_and_each_board_and_mark_a_row() {
        let at = |parameters: f64, seconds: f64, mark| Point {
            place: (parameters.log10(), seconds.log10()),
            mark,
        };
        let points = BTreeMap::from([
            ("a <board>", vec![at(1e4, 1e-4, Mark::Disc), at(2e4, 2e-4, Mark::Ring)]),
            ("b", vec![at(1e6, 1e-2, Mark::Disc), at(1e5, 1e-3, Mark::Dot)]),
        ]);
        assert_eq!(key(&points).len(), 2 + 3);
        let figure = figure(&LATENCY, &points).unwrap();
        // Four networks, and three circles in the key.
        assert_eq!(figure.svg.matches("<circle").count(), 4 + 3);
        assert!(figure.svg.contains("a &lt;board&gt;") && figure.svg.contains("1 ms"));
        assert!(figure.caption.contains("of 4 measured networks"), "{}", figure.caption);
        assert!(!figure.svg.contains("NaN"));
    }
}
