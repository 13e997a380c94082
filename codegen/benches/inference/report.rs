//! The results as Markdown, on the terminal and in docs/benchmarks.md.

use crate::rounds::{NetResult, Timed};
use anyhow::{Context, Result};
use common::files::atomic;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// The lines before and after the results in a document.
const BEGIN: &str = "<!-- inference results: begin -->\n";
const END: &str = "<!-- inference results: end -->\n";

/// The number of networks of the whole comparison, to which the bars apply.
pub(crate) const ALL: usize = 18;

/// Returns the whole report.
///
/// # Errors
/// Fails only if writing to memory fails.
pub(crate) fn markdown(results: &[NetResult], rounds: usize, command: &str) -> Result<String> {
    let mut text = header(command, rounds)?;
    let (kernels, onnxruntime) =
        results.first().map_or(("", ""), |result| (&result.kernels, &result.onnxruntime_version));
    writeln!(
        text,
        "- Ours: {kernels} kernels. Peers: ONNX Runtime {onnxruntime}, tract {}.\n",
        tract()
    )?;
    writeln!(text, "| bar | measured | |\n|---|---|---|")?;
    for bar in bars(results) {
        let whole = results.len() == ALL;
        let verdict = verdict(bar.met, whole);
        writeln!(text, "| {} | {} | {verdict} |", bar.target, bar.measured)?;
    }
    writeln!(
        text,
        "\n| network | parameters | MACs, M | ours, ms | ONNX Runtime, ms | tract, ms | ours / ONNX Runtime | ours / tract | GFLOP/s (of a core's) |"
    )?;
    writeln!(text, "|---|---|---|---|---|---|---|---|---|")?;
    for result in results {
        let times =
            [&result.ours, &result.onnxruntime, &result.tract].map(milliseconds).join(" | ");
        let (name, parameters, macs) =
            (table_name(&result.name), result.parameters, result.macs as f64 / 1e6);
        let (onnxruntime, tract) = (result.against_onnxruntime(), result.against_tract());
        let (ours, most) = (result.flops() / 1e9, result.peak_flops / 1e9);
        writeln!(
            text,
            "| {name} | {parameters} | {macs:.1} | {times} | {onnxruntime:.2} | {tract:.2} | {ours:.0} ({most:.0}) |"
        )?;
    }
    writeln!(
        text,
        "\n| network | weights, bytes | arena, bytes | peak memory, kB | first result, ms | cargo build --release, s |"
    )?;
    writeln!(text, "|---|---|---|---|---|---|")?;
    for result in results {
        let peak = result.peak_bytes.map_or("-".to_string(), |bytes| (bytes / 1000).to_string());
        let (weights, arena) = (result.weights_bytes, result.arena_bytes);
        let (first, build) = (1e3 * result.first_result_s, result.build_s);
        writeln!(
            text,
            "| {} | {weights} | {arena} | {peak} | {first:.1} | {build:.1} |",
            table_name(&result.name)
        )?;
    }
    Ok(text.trim_end().to_string())
}

/// Returns the lines on the command, the machine and the compiler.
///
/// # Errors
/// Fails only if writing to memory fails.
pub(crate) fn header(command: &str, rounds: usize) -> Result<String> {
    let mut text = String::new();
    let date = first_line_of("date", &["-u", "+%F"]);
    let commit = first_line_of("git", &["describe", "--always", "--dirty"]);
    let compiler = first_line_of("rustc", &["--version"]);
    writeln!(text, "- Command: `{command}`, {date}, commit {commit}; medians of {rounds} turns.")?;
    writeln!(text, "- Machine: {}; one thread, batch 1; {compiler}.", processor())?;
    Ok(text)
}

/// Returns the word for a bar; one that some of the networks meet is not passed yet.
pub(crate) fn verdict(met: bool, whole: bool) -> &'static str {
    match (met, whole) {
        (false, _) => "missed",
        (true, true) => "passed",
        (true, false) => "incomplete",
    }
}

/// A bar: a required ratio of times.
pub(crate) struct Bar {
    pub(crate) target: &'static str,
    pub(crate) measured: String,
    pub(crate) met: bool,
}

/// Judges all bars.
pub(crate) fn bars(results: &[NetResult]) -> Vec<Bar> {
    let worst = |results: &[NetResult], value: &dyn Fn(&NetResult) -> f64| -> (f64, String) {
        let of = |result: &NetResult| (value(result), table_name(&result.name));
        results
            .iter()
            .map(of)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .unwrap_or((f64::NAN, "nothing".to_string()))
    };
    let at_most =
        |target, of: &[NetResult], limit: f64, unit: &str, value: &dyn Fn(&NetResult) -> f64| {
            let (value, name) = worst(of, value);
            Bar {
                target,
                measured: format!("{value:.2}{unit} ({name}, the worst)"),
                // A run that measures none of them passes no bar, and misses none.
                met: of.is_empty() || value <= limit,
            }
        };
    let is_resnet = |result: &NetResult| result.name.starts_with("ResNet");
    let resnets: Vec<NetResult> = results.iter().filter(|r| is_resnet(r)).cloned().collect();
    let others: Vec<NetResult> = results.iter().filter(|r| !is_resnet(r)).cloned().collect();
    let logs = others.iter().map(|result| result.against_onnxruntime().ln()).sum::<f64>();
    let mean = (logs / others.len() as f64).exp();
    let memory = |result: &NetResult| {
        let allowed = 2 * (result.weights_bytes + result.arena_bytes) + 2_000_000;
        result.peak_bytes.map_or(f64::NAN, |peak| peak as f64 / allowed as f64)
    };
    vec![
        at_most(
            "at most 0.95 of ONNX Runtime's latency on every ResNet",
            &resnets,
            0.95,
            "",
            &NetResult::against_onnxruntime,
        ),
        at_most(
            "at most 0.65 of it on every other network",
            &others,
            0.65,
            "",
            &NetResult::against_onnxruntime,
        ),
        Bar {
            target: "geometric mean of these at most 0.50",
            measured: format!("{mean:.2}"),
            met: others.is_empty() || mean <= 0.50,
        },
        at_most(
            "at most 0.35 of tract's on every network",
            results,
            0.35,
            "",
            &NetResult::against_tract,
        ),
        at_most("from start to first result under 10 ms", results, 10.0, " ms", &|result| {
            1e3 * result.first_result_s
        }),
        at_most("peak memory under 2 x (weights + arena) + 2 MB", results, 1.0, " of it", &memory),
        at_most("`cargo build --release` under 20 s", results, 20.0, " s", &|result| {
            result.build_s
        }),
    ]
}

/// Replaces the text between the two marks of a file.
///
/// # Errors
/// Fails if the file cannot be read or written, or has no marks.
pub(crate) fn replace_results(path: &Path, results: &str) -> Result<()> {
    let old = std::fs::read_to_string(path)
        .with_context(|| format!("{}: cannot read the file", path.display()))?;
    let parts =
        old.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.with_context(|| {
        format!(
            "{}: the lines {} and {} are missing",
            path.display(),
            BEGIN.trim_end(),
            END.trim_end()
        )
    })?;
    atomic::write(path, format!("{before}{BEGIN}\n{results}\n\n{END}{after}").as_bytes())
}

/// Returns a network's name with `|` escaped, which would end the table's field.
pub(crate) fn table_name(name: &str) -> String {
    name.replace('|', "\\|")
}

/// Returns a time in milliseconds, with the fastest and the slowest turn.
pub(crate) fn milliseconds(timed: &Timed) -> String {
    let Timed { median, min, max } = timed;
    format!("{:.3} ({:.3} to {:.3})", 1e3 * median, 1e3 * min, 1e3 * max)
}

fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let name = name.map_or(std::env::consts::ARCH, |(_, name)| name.trim());
    let cores =
        std::thread::available_parallelism().map_or_else(|_| "unknown".into(), |n| n.to_string());
    format!("{name}, {cores} cores, {}", std::env::consts::OS)
}

/// Returns the version of tract that the peer is built with.
fn tract() -> &'static str {
    let lock = include_str!("tract/Cargo.lock");
    let after = lock
        .split_once("name = \"tract-onnx\"\nversion = \"")
        .map_or("unknown\"", |(_, after)| after);
    after.split('"').next().unwrap_or("unknown")
}

/// Returns the first line that a program prints, or `unknown`.
fn first_line_of(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .ok()
        .filter(|output| output.status.success());
    let text = output
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_string()
}
