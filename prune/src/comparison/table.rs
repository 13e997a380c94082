//! The results of several ways of pruning one network, as a text table.

use super::series::Series;
use common::network::counts::network_information_density;
use common::prune_report::{PruneCrate, PruneReport};
use plot::{Align, Table};

const COLUMNS: [&str; 9] = [
    "validation accuracy",
    "parameters",
    "removed",
    "MACs",
    "NID",
    "rounds",
    "before fine-tuning",
    "from scratch",
    "crate on the board",
];

/// Returns a table with a line for the network before pruning, and one for each series; for a
/// terminal of a width in characters, if one is given.
pub fn text(all: &[Series], width: Option<usize>) -> String {
    let columns = COLUMNS.map(|title| (title, Align::Right));
    let mut table = Table::new([("", Align::Left)].into_iter().chain(columns));
    let mut push = |label: &str, cells| table.push([label.to_string()].into_iter().chain(cells));
    if let Some(series) = all.first() {
        push("not pruned", before(&series.report));
    }
    all.iter().for_each(|series| push(&series.label, after(series)));
    match width {
        Some(width) => table.to_text_within(width, &[0]),
        None => table.to_text(),
    }
}

fn before(report: &PruneReport) -> [String; COLUMNS.len()] {
    let crate_ = report.measured.as_ref().and_then(|measured| measured.crates.first());
    let (accuracy, parameters) = (report.accuracy_before, report.parameters_before);
    cells(accuracy, (parameters, 0.0, report.macs_before), (0, None), None, crate_)
}

fn after(series: &Series) -> [String; COLUMNS.len()] {
    let report = &series.report;
    let crate_ = report.measured.as_ref().and_then(|measured| measured.crates.last());
    let last = report.rounds.last();
    let size = (report.parameters_after, report.removed, report.macs_after);
    let accuracy = last.map_or(report.accuracy_before, |round| round.accuracy);
    cells(
        accuracy,
        size,
        (report.rounds.len(), last.map(|round| round.accuracy_untuned)),
        series.from_scratch,
        crate_,
    )
}

fn cells(
    accuracy: f64,
    (parameters, removed, macs): (u64, f64, u64),
    (rounds, untuned): (usize, Option<f64>),
    from_scratch: Option<f64>,
    measured: Option<&PruneCrate>,
) -> [String; COLUMNS.len()] {
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let maybe = |share: Option<f64>| share.map_or_else(|| "-".to_string(), percent);
    [
        percent(accuracy),
        parameters.to_string(),
        percent(removed),
        macs.to_string(),
        format!("{:.2}", network_information_density(accuracy, parameters)),
        rounds.to_string(),
        maybe(untuned),
        maybe(from_scratch),
        measured.map_or_else(|| "-".to_string(), PruneCrate::to_string),
    ]
}
