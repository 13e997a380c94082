//! The measurements of a network, a row for each board.

use crate::report::data::{NetworkData, OnBoard};
use crate::report::table::{Entry, Table, entry};
use crate::report::units::{count, si};
use crate::report::variant::Variant;
use common::measurement::Measurement;
use maud::{Markup, html};

/// Returns the table of measurements; what is emulated or short is said in it.
pub(super) fn table(variant: &Variant, numbers: &NetworkData) -> Markup {
    let mut table = Table::new([
        ("board", false),
        ("latency p50", true),
        ("95 % interval", true),
        ("p90", true),
        ("p99", true),
        ("inferences", true),
        ("energy, gross", true),
        ("95 % interval ", true),
        ("power", true),
        ("flash", true),
        ("arena", true),
    ]);
    for (board, on_board) in &numbers.boards {
        table.push(row(board, on_board, variant.measurement(board)));
    }
    html! {
        @if numbers.boards.is_empty() {
            p { "Not measured yet: " code { "make measure BOARD=host" } " measures it." }
        } @else {
            (table.to_markup())
            p.hint {
                "Latency and energy are those of one inference; energy and power are everything \
                that the meter saw. Flash: constants and, on a microcontroller, an upper bound of \
                the code; arena: working memory."
            }
        }
    }
}

fn row(board: &str, numbers: &OnBoard, measured: Result<&Measurement, String>) -> Vec<Entry> {
    let time = |of: fn(&Measurement) -> String| -> Entry { measured.clone().map(of) };
    let no_energy = || numbers.energy_reason.clone().unwrap_or_default();
    let energy = measured.as_ref().ok().and_then(|m| m.energy.gross_interval_j);
    let bytes = |bytes: Option<u64>| entry(bytes, "there is no crate for it", bytes_of);
    vec![
        Ok(called(board, numbers)),
        time(|m| si(m.latency.p50_s, "s")),
        time(|m| between(m.latency.p50_interval_s, "s")),
        time(|m| si(m.latency.p90_s, "s")),
        time(|m| si(m.latency.p99_s, "s")),
        time(|m| {
            let inferences: u64 = m.windows.iter().map(|window| window.inferences).sum();
            format!("{} in {} x {} s", count(inferences), m.windows.len(), m.settings.window_s)
        }),
        entry(numbers.energy_j, no_energy(), |joules| si(joules, "J")),
        entry(energy, no_energy(), |interval| between(interval, "J")),
        entry(numbers.power_w, no_energy(), |watts| si(watts, "W")),
        bytes(numbers.flash_bytes),
        bytes(numbers.arena_bytes),
    ]
}

/// Returns the name of a board, and what must not be compared.
fn called(board: &str, numbers: &OnBoard) -> String {
    let notes: Vec<&str> = [(numbers.emulated, "emulated"), (numbers.short, "short protocol")]
        .into_iter()
        .filter_map(|(holds, note)| holds.then_some(note))
        .collect();
    if notes.is_empty() { board.to_string() } else { format!("{board} ({})", notes.join(", ")) }
}

fn between([low, high]: [f64; 2], unit: &str) -> String {
    format!("{} to {}", si(low, unit), si(high, unit))
}

fn bytes_of(bytes: u64) -> String {
    format!("{} bytes", count(bytes))
}
