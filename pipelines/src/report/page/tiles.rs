//! The most important numbers of the run, above everything else.

use super::content::Content;
use crate::report::data::RunData;
use crate::report::run_folder::Run;
use crate::report::units::{count, percent_of, si};
use common::choice::{Candidate, Demands, OrderBy, choose};
use common::measurement::Measurement;
use maud::{Markup, html};

/// Returns the numbers that the run has.
pub(super) fn list(content: &Content<'_>) -> Markup {
    let tiles: Vec<(String, String)> = tiles(content).into_iter().flatten().collect();
    html! {
        ul.tiles { @for (value, name) in &tiles { li { strong { (value) } span { (name) } } } }
    }
}

fn tiles(content: &Content<'_>) -> [Option<(String, String)>; 4] {
    let run = content.run;
    let searched = (!run.evaluations.is_empty()).then(|| count(run.evaluations.len() as u64));
    let tested = content.data.networks.iter().filter(|network| network.test.is_some());
    let smallest = tested.filter_map(|network| network.parameters).min();
    let fastest = fastest(run);
    [
        searched.map(|number| (number, "networks evaluated".to_string())),
        best(content.data),
        smallest.map(|number| (count(number), "parameters of the smallest network".to_string())),
        fastest.map(|m| (si(m.latency.p50_s, "s"), format!("fastest inference, on {}", m.board))),
    ]
}

/// Returns the test accuracy of the network that validation accuracy chooses.
fn best(RunData { networks, boards, .. }: &RunData) -> Option<(String, String)> {
    let board = boards.first().map_or("", String::as_str);
    let candidates: Vec<Candidate> =
        networks.iter().map(|network| network.candidate(board)).collect();
    let best = choose(&candidates, &Demands::default(), OrderBy::Accuracy).chosen?;
    let test = networks.iter().find(|network| network.name == best.network)?.test?;
    let about = format!("test accuracy of {}, the best on the validation images", best.network);
    Some((percent_of(test.accuracy, test.n), about))
}

fn fastest(run: &Run) -> Option<&Measurement> {
    let measured = run
        .variants()
        .flat_map(|(.., v)| v.measurements.keys().filter_map(|board| v.measurement(board).ok()));
    measured.filter(|m| !m.emulated).min_by(|a, b| a.latency.p50_s.total_cmp(&b.latency.p50_s))
}
