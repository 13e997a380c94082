//! Predictions as a table for a terminal.

use common::prediction_report::{PredictionReport, Quantity};
use plot::{Align, Table};

/// Returns the report in words and as a table.
pub(crate) fn text(report: &PredictionReport, width: usize) -> String {
    let title = match report.quantity {
        Quantity::LatencyS => "predicted latency",
        Quantity::Instructions => "predicted instructions",
    };
    let columns =
        [("network", Align::Left), (title, Align::Right), ("95 % interval", Align::Right)];
    let mut table = Table::new(columns);
    for network in &report.networks {
        let [low, high] = network.interval.map(|value| number(value, report.quantity));
        let cells = [
            network.network.clone(),
            number(network.predicted, report.quantity),
            format!("{low} to {high}"),
        ];
        table.push(cells);
    }
    let from = format!(
        "predicted from {} measured networks, no measurements; without itself, each of those is \
         predicted with an error of {:.1} % (root mean square) and a rank correlation of {:.3}",
        report.measured,
        100.0 * report.relative_error,
        report.rank_correlation,
    );
    let next = match &report.next {
        Some(network) => format!("measure next, as the least certain: {network}"),
        None => "no network is left to be measured".to_string(),
    };
    [table.to_text_within(width, &[0]), from, next].join("\n")
}

/// Returns a value with its unit.
fn number(value: f64, quantity: Quantity) -> String {
    match quantity {
        Quantity::LatencyS if value < 1e-3 => format!("{:.1} us", 1e6 * value),
        Quantity::LatencyS if value < 1.0 => format!("{:.3} ms", 1e3 * value),
        Quantity::LatencyS => format!("{value:.3} s"),
        Quantity::Instructions => format!("{value:.0}"),
    }
}
