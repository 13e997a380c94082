//! The most important numbers of the run, above everything else.

use super::content::Content;
use crate::report::run_folder::Run;
use crate::report::units::{count, percent_of, si};
use common::measurement::Measurement;
use maud::{Markup, html};

/// Returns the numbers that the run has.
pub(super) fn list(content: &Content<'_>) -> Markup {
    let tiles: Vec<(String, String)> = tiles(content.run).into_iter().flatten().collect();
    html! {
        ul.tiles { @for (value, name) in &tiles { li { strong { (value) } span { (name) } } } }
    }
}

fn tiles(run: &Run) -> [Option<(String, String)>; 4] {
    let tested = || {
        run.variants().filter_map(|(.., variant)| Some((variant.test.as_ref()?, variant.counts?)))
    };
    let searched = (!run.evaluations.is_empty()).then(|| count(run.evaluations.len() as u64));
    let best = tested().map(|(test, _)| test).max_by(|a, b| a.accuracy.total_cmp(&b.accuracy));
    let smallest = tested().map(|(_, counts)| counts.parameters).min();
    let fastest = fastest(run);
    [
        searched.map(|number| (number, "networks evaluated".to_string())),
        best.map(|test| percent_of(test.accuracy, test.images))
            .map(|accuracy| (accuracy, "best test accuracy".to_string())),
        smallest.map(|number| (count(number), "parameters of the smallest network".to_string())),
        fastest.map(|m| (si(m.latency.p50_s, "s"), format!("fastest inference, on {}", m.board))),
    ]
}

fn fastest(run: &Run) -> Option<&Measurement> {
    let measured = run
        .variants()
        .flat_map(|(.., v)| v.measurements.keys().filter_map(|board| v.measurement(board).ok()));
    measured.filter(|m| !m.emulated).min_by(|a, b| a.latency.p50_s.total_cmp(&b.latency.p50_s))
}
