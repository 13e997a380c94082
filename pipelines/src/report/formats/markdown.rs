//! The table of results as Markdown, for a README or an issue.

use crate::report::data::{NetworkData, OnBoard, RunData, TestAccuracy};
use crate::report::table::{Entry, Table, entry};
use crate::report::units::{count, percent, percent_of, si};

const COLUMNS: [(&str, bool); 8] = [
    ("network", false),
    ("genome", false),
    ("validation accuracy", true),
    ("test accuracy", true),
    ("95 % interval", true),
    ("parameters", true),
    ("MACs", true),
    ("NID", true),
];

/// Returns the table, a row for each network, with footnotes.
pub(crate) fn markdown(data: &RunData) -> String {
    let mut titles: Vec<(String, bool)> =
        COLUMNS.iter().map(|(title, numeric)| (title.to_string(), *numeric)).collect();
    for board in &data.boards {
        let on = data.networks.iter().filter_map(|network| network.boards.get(board));
        let emulated = if on.into_iter().any(|on| on.emulated) { " (emulated)" } else { "" };
        titles.push((format!("latency p50, {board}{emulated}"), true));
        titles.push((format!("energy, {board}"), true));
    }
    let mut table = Table::new(titles.iter().map(|(title, numeric)| (title.as_str(), *numeric)));
    for network in &data.networks {
        let mut row = network_entries(network);
        for board in &data.boards {
            row.extend(board_entries(network.boards.get(board)));
        }
        table.push(row);
    }
    table.to_markdown()
}

fn network_entries(network: &NetworkData) -> Vec<Entry> {
    let untested = network.reason.clone().unwrap_or_default();
    let unmade = "not made yet";
    let validation = network.validation;
    let interval = |test: &TestAccuracy| {
        let [low, high] = test.interval.map(|share| percent_of(share, test.n));
        format!("{low} to {high}, n {}", count(test.n as u64))
    };
    vec![
        Ok(network.name.clone()),
        entry(network.genome.clone(), "neither genome.json nor network.json is there", |g| g),
        entry(validation, "no validation accuracy", |validation| percent(validation.accuracy)),
        entry(network.test, untested.clone(), |test| percent_of(test.accuracy, test.n)),
        entry(network.test, untested.clone(), |test| interval(&test)),
        entry(network.parameters, unmade, count),
        entry(network.macs, unmade, |macs| si(macs as f64, "")),
        entry(network.nid, untested, |nid| format!("{nid:.2}")),
    ]
}

fn board_entries(on_board: Option<&OnBoard>) -> [Entry; 2] {
    let reason = |of: fn(&OnBoard) -> &Option<String>| {
        on_board.and_then(|on| of(on).clone()).unwrap_or_else(|| "not measured".to_string())
    };
    let value = |of: fn(&OnBoard) -> Option<f64>| on_board.and_then(of);
    [
        entry(value(|on| on.latency_s), reason(|on| &on.reason), |s| si(s, "s")),
        entry(value(|on| on.energy_j), reason(|on| &on.energy_reason), |j| si(j, "J")),
    ]
}
