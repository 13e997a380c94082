//! The details of measurements: what ran, how long, on which machine, and why a number is missing.

use super::html::{definitions, escape};
use super::results;
use super::run_folder::Run;
use super::table::{Table, entry};
use super::units::{count, date, si};
use common::json::Known;
use common::measurement::{Energy, Measurement, Protocol};
use std::collections::BTreeSet;
use std::fmt::Write;

/// What to keep in mind where measurements are short or emulated.
pub(super) fn caution(run: &Run) -> Option<String> {
    let measured = || run.variants().flat_map(|(.., variant)| &variant.measurements);
    let short: BTreeSet<&str> =
        measured().filter(|(_, m)| m.protocol == Protocol::Short).map(|(board, _)| board.as_str()).collect();
    let boards = short.into_iter().collect::<Vec<_>>().join(", ");
    let short = (!boards.is_empty()).then(|| {
        format!(
            "A first look only: there are short measurements (on {boards}), shorter than the full protocol asks. Do not \
             compare or publish them."
        )
    });
    let emulated: BTreeSet<&str> = measured().filter(|(_, m)| m.emulated).map(|(board, _)| board.as_str()).collect();
    let emulated = emulated.into_iter().collect::<Vec<_>>().join(", ");
    let emulated = (!emulated.is_empty())
        .then(|| format!("Times on {emulated} are an emulator's: they say nothing about how fast a board is."));
    let cautions: Vec<String> = short.into_iter().chain(emulated).collect();
    (!cautions.is_empty()).then(|| cautions.join(" "))
}

/// One part for each board.
pub(super) fn sections(run: &Run) -> String {
    let mut html = String::new();
    for board in run.boards() {
        let _ = write!(
            html,
            "<h3>Board {}</h3>\n{}{}",
            escape(board),
            board_table(run, board).to_html(),
            machine(run, board)
        );
    }
    html
}

fn board_table(run: &Run, board: &str) -> Table {
    let mut table = Table::new([
        ("rank", true),
        ("variant", false),
        ("protocol", false),
        ("windows", true),
        ("latency p50", true),
        ("95 % interval", true),
        ("p90", true),
        ("p99", true),
        ("energy, gross", true),
        ("energy, net", true),
        ("weights", false),
        ("binary", false),
    ]);
    for (winner, kind, variant) in run.variants() {
        let Some(m) = variant.measurements.get(board) else { continue };
        let [low, high] = m.latency.p50_interval_s;
        table.push(vec![
            Ok(winner.rank.to_string()),
            Ok(kind.to_string()),
            Ok(protocol(m).to_string()),
            Ok(format!("{} x {} s", m.windows.len(), m.settings.window_s)),
            Ok(si(m.latency.p50_s, "s")),
            Ok(format!("{} to {}", si(low, "s"), si(high, "s"))),
            Ok(si(m.latency.p90_s, "s")),
            Ok(si(m.latency.p99_s, "s")),
            results::energy(m),
            entry(m.energy.net_j, no_net(&m.energy), |joules| si(joules, "J")),
            Ok(short_hash(&m.ran.weights_sha256)),
            Ok(short_hash(&m.ran.binary_sha256)),
        ]);
    }
    table
}

fn protocol(measurement: &Measurement) -> &'static str {
    match measurement.protocol {
        Protocol::Full => "full",
        Protocol::Short => "short",
    }
}

fn no_net(energy: &Energy) -> String {
    let reason = energy.net_reason.as_ref().or(energy.reason.as_ref());
    reason.map_or_else(|| "no net energy: the measurement gives no reason".into(), |r| format!("no net energy: {r}"))
}

/// The machine as its measurements describe it; where they differ, all that they say.
fn machine(run: &Run, board: &str) -> String {
    let all: Vec<&Measurement> = run.variants().filter_map(|(.., v)| v.measurements.get(board)).collect();
    let each = |say: fn(&Measurement) -> String| {
        let said: BTreeSet<String> = all.iter().map(|m| say(m)).collect();
        Some(said.into_iter().collect::<Vec<_>>().join("; "))
    };
    definitions([
        ("processor", each(|m| known(&m.host.cpu, Clone::clone))),
        ("instruction set", each(|m| format!("{}; threads: {}, batch: {}", m.ran.kernels, m.ran.threads, m.ran.batch))),
        ("target", each(|m| m.ran.target.clone())),
        ("compiler", each(|m| m.ran.rustc.clone())),
        ("kernel release", each(|m| known(&m.host.kernel, Clone::clone))),
        ("governor", each(|m| known(&m.host.governor, Clone::clone))),
        ("frequency", each(|m| known(&m.host.frequency_hz, |hertz| si(*hertz, "Hz")))),
        ("temperature", each(|m| known(&m.host.temperature_c, |celsius| format!("{celsius:.0} °C")))),
        ("throttled for heat", each(|m| known(&m.host.throttled, |times| format!("{times} times")))),
        ("meter", each(|m| m.energy.meter.clone())),
        (
            "instructions of an inference",
            each(|m| {
                known(&m.instructions, |i| format!("{}, by {} ({})", si(i.per_inference, ""), i.counter, i.kernels))
            }),
        ),
        ("measured on", each(|m| date(m.host.started_unix_s))),
    ])
}

fn known<T>(value: &Known<T>, show: impl FnOnce(&T) -> String) -> String {
    let reason = || format!("not known ({})", value.reason.as_deref().unwrap_or("no reason given"));
    value.value.as_ref().map_or_else(reason, show)
}

/// As much of a hash as people compare.
pub(super) fn short_hash(hash: &str) -> String {
    hash.chars().take(12).collect()
}

/// What the generated crates need.
pub(super) fn crates_table(run: &Run) -> Table {
    let mut table = Table::new([
        ("rank", true),
        ("variant", false),
        ("platform", false),
        ("crate", false),
        ("constants", true),
        ("working memory", true),
    ]);
    for (winner, kind, variant) in run.variants() {
        for (platform, manifest) in &variant.manifests {
            table.push(vec![
                Ok(winner.rank.to_string()),
                Ok(kind.to_string()),
                Ok(platform.clone()),
                Ok(manifest.name.clone()),
                Ok(format!("{} bytes", count(manifest.weights_bytes))),
                Ok(format!("{} bytes", count(manifest.arena_bytes))),
            ]);
        }
    }
    table
}
