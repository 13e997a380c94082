//! The results as Markdown, on the terminal and in docs/benchmarks.md.

use crate::bars::{self, percent, times};
use crate::machine;
use crate::peer::Engine;
use crate::results::{CellResult, Results};
use anyhow::{Context, Result};
use common::files::atomic;
use std::fmt::Write;
use std::path::Path;

/// The lines before and after the results in a document.
const BEGIN: &str = "<!-- results: begin -->\n";
const END: &str = "<!-- results: end -->\n";

/// Returns the whole report.
pub(crate) fn markdown(results: &Results, command: &str) -> Result<String> {
    let mut text = String::new();
    header(&mut text, results, command)?;
    bars_table(&mut text, results)?;
    cells_table(&mut text, results)?;
    peak_table(&mut text, results)?;
    rounding_table(&mut text, results)?;
    candle_table(&mut text, results)?;
    pairs_table(&mut text, results)?;
    Ok(text.trim_end().to_string())
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

fn header(text: &mut String, results: &Results, command: &str) -> Result<()> {
    let versions = &results.versions;
    let date = machine::first_line_of("date", &["-u", "+%F"]);
    let commit = machine::first_line_of("git", &["describe", "--always", "--dirty"]);
    writeln!(
        text,
        "- Command: `{command}`, {date}, commit {commit}; medians over {} rounds.",
        results.rounds
    )?;
    writeln!(text, "- Machine: {}; 2 threads.", machine::processor())?;
    let compiler = machine::first_line_of("rustc", &["--version"]);
    writeln!(text, "- Ours: {}, {compiler}. Peer: {}.", versions.ours, versions.pytorch)?;
    let (ours, pytorch) =
        (megabytes(versions.ours_bare_bytes), megabytes(versions.pytorch_bare_bytes));
    writeln!(
        text,
        "- Of the peak memory, the bare process with its libraries takes {ours} MB (ours), \
         {pytorch} MB (PyTorch).\n"
    )?;
    Ok(())
}

fn bars_table(text: &mut String, results: &Results) -> Result<()> {
    writeln!(text, "| bar | measured | |\n|---|---|---|")?;
    for bar in bars::judge(results) {
        let measured = escaped(&bar.measured);
        writeln!(text, "| {} | {measured} | {} |", bar.target, bar.verdict.label())?;
    }
    writeln!(text)?;
    Ok(())
}

const PYTORCH: [Engine; 3] = [Engine::Eager, Engine::ChannelsLast, Engine::Compiled];

fn cells_table(text: &mut String, results: &Results) -> Result<()> {
    writeln!(
        text,
        "| network | batch | ours, images/s | ours, ms | eager, ms | channels-last, ms | \
         compiled, ms | times as fast as the best | peak memory, MB: ours | best PyTorch |"
    )?;
    writeln!(text, "|---|---|---|---|---|---|---|---|---|---|")?;
    for result in &results.cells {
        let ours = result.of(Engine::Ours);
        let rate = shown(ours.map(|timed| result.cell.batch as f64 / timed.step_s), |rate| {
            format!("{rate:.0}")
        });
        write!(
            text,
            "| {} | {} | {rate} | {}",
            table_name(result),
            result.cell.batch,
            step_ms(result, Engine::Ours)
        )?;
        for engine in PYTORCH {
            write!(text, " | {}", step_ms(result, engine))?;
        }
        let best = result.best_pytorch().and_then(|(_, timed)| timed.peak_bytes);
        let memory = [ours.and_then(|timed| timed.peak_bytes), best].map(megabytes);
        writeln!(
            text,
            " | {} | {} | {} |",
            shown(result.against_pytorch(), times),
            memory[0],
            memory[1]
        )?;
    }
    writeln!(text)?;
    let failures: Vec<String> = results.cells.iter().flat_map(failures).collect();
    if !failures.is_empty() {
        writeln!(text, "{}\n", failures.join("\n"))?;
    }
    Ok(())
}

/// Returns a line for each peer that failed.
fn failures(result: &CellResult) -> impl Iterator<Item = String> {
    let reasons = result.entries.iter().filter_map(|(_, outcome)| outcome.as_ref().err());
    reasons.map(|reason| format!("- {}: {reason}", result.cell.name()))
}

fn peak_table(text: &mut String, results: &Results) -> Result<()> {
    writeln!(
        text,
        "| network | batch | sgemm peak, GFLOP/s | ours, % of it: network's operations | \
         executed operations |"
    )?;
    writeln!(text, "|---|---|---|---|---|")?;
    for result in &results.cells {
        let share = |macs| shown(result.share_of_peak(macs), percent);
        let (network, executed) = (share(result.macs.network), share(result.macs.executed));
        let peak = result.sgemm / 1e9;
        writeln!(
            text,
            "| {} | {} | {peak:.0} | {network} | {executed} |",
            table_name(result),
            result.cell.batch
        )?;
    }
    writeln!(text)?;
    Ok(())
}

fn rounding_table(text: &mut String, results: &Results) -> Result<()> {
    let header = "| network | batch | ours, ms | with training.quantize, ms | times as long |";
    writeln!(text, "{header}\n|---|---|---|---|---|")?;
    for result in &results.cells {
        let [ours, rounded] = [Engine::Ours, Engine::Rounded].map(|engine| step_ms(result, engine));
        let (name, batch) = (table_name(result), result.cell.batch);
        let ratio = shown(result.cost_of_rounding(), times);
        writeln!(text, "| {name} | {batch} | {ours} | {rounded} | {ratio} |")?;
    }
    writeln!(text)?;
    Ok(())
}

fn candle_table(text: &mut String, results: &Results) -> Result<()> {
    let measured: Vec<&CellResult> =
        results.cells.iter().filter(|r| r.against_candle().is_some()).collect();
    if measured.is_empty() {
        return Ok(());
    }
    writeln!(
        text,
        "| network | batch | plain Candle, ms | ours, times as fast |\n|---|---|---|---|"
    )?;
    for result in measured {
        let (candle, ratio) =
            (step_ms(result, Engine::Candle), shown(result.against_candle(), times));
        writeln!(text, "| {} | {} | {candle} | {ratio} |", table_name(result), result.cell.batch)?;
    }
    writeln!(text)?;
    Ok(())
}

fn pairs_table(text: &mut String, results: &Results) -> Result<()> {
    if results.pairs.is_empty() {
        return Ok(());
    }
    writeln!(
        text,
        "| two processes of one thread each | batch | ours, images/s | PyTorch, images/s | \
         times as fast |"
    )?;
    writeln!(text, "|---|---|---|---|---|")?;
    for pair in &results.pairs {
        let (ours, pytorch, ratio) = (pair.ours, pair.pytorch, times(pair.ours / pair.pytorch));
        let (name, batch, engine) = (pair.cell.net.name, pair.cell.batch, pair.engine.label());
        writeln!(text, "| {name} | {batch} | {ours:.0} | {pytorch:.0} ({engine}) | {ratio} |")?;
    }
    Ok(())
}

fn table_name(result: &CellResult) -> String {
    escaped(result.cell.net.name)
}

/// Returns a text with `|`, which would end a table field, escaped.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

fn step_ms(result: &CellResult, engine: Engine) -> String {
    shown(result.of(engine), |timed| format!("{:.1}", timed.step_s * 1e3))
}

fn megabytes(bytes: Option<u64>) -> String {
    shown(bytes, |bytes| format!("{:.0}", bytes as f64 / 1e6))
}

fn shown<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "-".into(), show)
}
