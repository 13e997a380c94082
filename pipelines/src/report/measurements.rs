//! The details of measurements: crate, windows, machine, and the reasons why numbers are missing.

use super::html::definitions;
use super::results;
use super::run_folder::Run;
use super::table::{Table, entry};
use super::units::{count, date, si};
use common::files::json::Known;
use common::measurement::gpu_facts::{GpuFacts, GpuProcess};
use common::measurement::{Communication, Energy, Measurement, Protocol};
use maud::{Markup, html};
use std::collections::BTreeSet;

/// Returns warnings if measurements are short or emulated, or if a GPU was throttled or shared.
pub(super) fn warnings(run: &Run) -> Option<String> {
    let measured = || run.variants().flat_map(|(.., variant)| &variant.measurements);
    let short: BTreeSet<&str> = measured()
        .filter(|(_, m)| m.protocol == Protocol::Short)
        .map(|(board, _)| board.as_str())
        .collect();
    let boards = short.into_iter().collect::<Vec<_>>().join(", ");
    let short = (!boards.is_empty()).then(|| {
        format!(
            "A first look only: there are short measurements (on {boards}), shorter than the full protocol asks. Do not \
             compare or publish them."
        )
    });
    let emulated: BTreeSet<&str> =
        measured().filter(|(_, m)| m.emulated).map(|(board, _)| board.as_str()).collect();
    let emulated = emulated.into_iter().collect::<Vec<_>>().join(", ");
    let emulated = (!emulated.is_empty()).then(|| {
        format!(
            "Times on {emulated} are an emulator's: they say nothing about how fast a board is."
        )
    });
    let gpu = |(board, m): (&String, &Measurement)| -> Vec<String> {
        m.gpu
            .iter()
            .flat_map(GpuFacts::warnings)
            .map(|warning| format!("On {board}, {warning}."))
            .collect()
    };
    let gpus: BTreeSet<String> = measured().flat_map(gpu).collect();
    let warnings: Vec<String> = short.into_iter().chain(emulated).chain(gpus).collect();
    (!warnings.is_empty()).then(|| warnings.join(" "))
}

/// Returns the measurements on each board; `None` if there are none.
pub(super) fn content(run: &Run) -> Option<Markup> {
    let boards = run.boards();
    let markup = html! {
        @for board in &boards {
            h3 { "Board " (board) }
            (board_table(run, board).to_markup())
            (machine(run, board))
        }
    };
    (!boards.is_empty()).then_some(markup)
}

fn board_table(run: &Run, board: &str) -> Table {
    let mut titles = vec![
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
    ];
    // Copying and computing are separate on a device with its own memory.
    let parts = run
        .variants()
        .any(|(.., v)| v.measurements.get(board).is_some_and(|m| m.communication.is_some()));
    if parts {
        titles.extend(["copy to device", "kernels", "copy back"].map(|title| (title, true)));
    }
    let mut table = Table::new(titles);
    for (winner, kind, variant) in run.variants() {
        let Some(m) = variant.measurements.get(board) else { continue };
        let [low, high] = m.latency.p50_interval_s;
        let mut row = vec![
            Ok(winner.name.clone()),
            Ok(variant.called(kind.name())),
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
        ];
        if parts {
            let parts: [fn(&Communication) -> f64; 3] = [|c| c.h2d_s, |c| c.kernel_s, |c| c.d2h_s];
            row.extend(parts.map(|of| {
                entry(
                    m.communication.as_ref().map(of),
                    "copying and computing were not measured apart",
                    |s| si(s, "s"),
                )
            }));
        }
        table.push(row);
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
    reason.map_or_else(
        || "no net energy: the measurement gives no reason".into(),
        |r| format!("no net energy: {r}"),
    )
}

/// Returns the facts of a board from all its measurements; facts that differ are all listed.
fn machine(run: &Run, board: &str) -> Markup {
    let all: Vec<&Measurement> =
        run.variants().filter_map(|(.., v)| v.measurements.get(board)).collect();
    let each = |say: fn(&Measurement) -> String| {
        let said: BTreeSet<String> = all.iter().map(|m| say(m)).collect();
        Some(said.into_iter().collect::<Vec<_>>().join("; "))
    };
    let each_gpu = |say: fn(&GpuFacts) -> String| {
        let said: BTreeSet<String> = all.iter().filter_map(|m| m.gpu.as_ref()).map(say).collect();
        (!said.is_empty()).then(|| said.into_iter().collect::<Vec<_>>().join("; "))
    };
    definitions([
        ("processor", each(|m| known(&m.host.cpu, Clone::clone))),
        (
            "instruction set",
            each(|m| {
                format!("{}; threads: {}, batch: {}", m.ran.kernels, m.ran.threads, m.ran.batch)
            }),
        ),
        ("target", each(|m| m.ran.target.clone())),
        ("compiler", each(|m| m.ran.rustc.clone())),
        ("kernel release", each(|m| known(&m.host.kernel, Clone::clone))),
        ("governor", each(|m| known(&m.host.governor, Clone::clone))),
        ("frequency", each(|m| known(&m.host.frequency_hz, |hertz| si(*hertz, "Hz")))),
        (
            "temperature",
            each(|m| known(&m.host.temperature_c, |celsius| format!("{celsius:.0} °C"))),
        ),
        (
            "throttled for heat",
            each(|m| known(&m.host.throttled, |times| format!("{times} times"))),
        ),
        ("GPU", each_gpu(|gpu| gpu.name.clone())),
        ("GPU's driver", each_gpu(|gpu| known(&gpu.driver, Clone::clone))),
        (
            "GPU's clock",
            each_gpu(|gpu| known(&gpu.sm_clock_hz, |hertz| span(hertz, |x| si(x, "Hz")))),
        ),
        (
            "clock of its memory",
            each_gpu(|gpu| known(&gpu.memory_clock_hz, |hertz| span(hertz, |x| si(x, "Hz")))),
        ),
        (
            "GPU's temperature",
            each_gpu(|gpu| known(&gpu.temperature_c, |c| span(c, |x| format!("{x:.0} °C")))),
        ),
        ("what held its clocks back", each_gpu(|gpu| known(&gpu.throttled, |why| listed(why)))),
        (
            "other processes on the GPU",
            each_gpu(|gpu| {
                known(&gpu.other_processes, |all| {
                    listed(&all.iter().map(GpuProcess::to_string).collect::<Vec<_>>())
                })
            }),
        ),
        ("meter", each(|m| m.energy.meter.clone())),
        (
            "instructions of an inference",
            each(|m| {
                known(&m.instructions, |i| {
                    format!("{}, by {} ({})", si(i.per_inference, ""), i.counter, i.kernels)
                })
            }),
        ),
        ("measured on", each(|m| date(m.host.started_unix_s))),
    ])
}

/// Formats the lowest and the highest value.
fn span([low, high]: &[f64; 2], show: impl Fn(f64) -> String) -> String {
    if low == high { show(*low) } else { format!("{} to {}", show(*low), show(*high)) }
}

fn listed(all: &[String]) -> String {
    if all.is_empty() { "none".to_string() } else { all.join(", ") }
}

fn known<T>(value: &Known<T>, show: impl FnOnce(&T) -> String) -> String {
    let reason = || format!("not known ({})", value.reason.as_deref().unwrap_or("no reason given"));
    value.value.as_ref().map_or_else(reason, show)
}

/// Returns the first 12 digits of a hash.
pub(super) fn short_hash(hash: &str) -> String {
    hash.chars().take(12).collect()
}

/// Returns the table of generated crates and the memory that they need.
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
                Ok(winner.name.clone()),
                Ok(variant.called(kind.name())),
                Ok(platform.clone()),
                Ok(manifest.name.clone()),
                Ok(format!("{} bytes", count(manifest.weights_bytes))),
                Ok(format!("{} bytes", count(manifest.arena_bytes))),
            ]);
        }
    }
    table
}
