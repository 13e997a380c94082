//! The number of instructions of one inference: the difference between the counts of a run with
//! many inferences and a run with few, divided by the difference in inferences. Time is not
//! measured in these runs. Counts hardly differ from one run to the next.

use super::counter::{COUNT_FILE, Counter};
use super::qemu_plugin;
use crate::interrupt::INTERRUPT;
use crate::runner::{Program, local_command};
use anyhow::{Context, Result, bail, ensure};
use common::board::{Board, Runner};
use common::files::json;
use common::files::json::Known;
use common::measurement::Instructions;
use common::measurement::bench_protocol::BenchEvent;
use common::profile::MeasurementSettings;
use process::output::{end_of, output};
use std::fs;
use std::path::Path;

/// Shortest length of the run with many inferences, in seconds; counting slows a program down up to
/// a hundred times.
const MIN_WINDOW_S: f64 = 2.0;
/// Smallest ratio of the lengths of the two runs.
const MIN_RATIO: f64 = 4.0;

/// Counts the instructions of one inference; if that fails, returns the reason as the unknown
/// value.
///
/// # Errors
/// Fails if a termination signal has been received.
pub(crate) fn count(board: &Board, program: &Program) -> Result<Known<Instructions>> {
    let counters: &[Counter] = match board.runner {
        Runner::Local => &[Counter::Perf, Counter::Valgrind],
        Runner::Qemu => &[Counter::Qemu],
        Runner::Ssh | Runner::Adb | Runner::ProbeRs => {
            return Ok(Known::unknown("instructions are counted on this machine and in QEMU only"));
        }
    };
    let mut reasons = vec![];
    for &counter in counters {
        let counted = count_with(counter, board, program);
        INTERRUPT.check()?;
        match counted {
            Ok(instructions) => return Ok(Known::of(instructions)),
            Err(error) => reasons.push(format!("{}: {error:#}", counter.name())),
        }
    }
    Ok(Known::unknown(reasons.join("; ")))
}

fn count_with(counter: Counter, board: &Board, program: &Program) -> Result<Instructions> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let folder = folder.path();
    if counter == Counter::Qemu {
        qemu_plugin::build(board, folder)?;
    }
    let few = run(counter, board, program, folder, 0.0)?;
    let many = run(counter, board, program, folder, MIN_WINDOW_S.max(MIN_RATIO * few.seconds))?;
    ensure!(many.inferences > few.inferences, "a longer run made no more inferences");
    ensure!(many.instructions > few.instructions, "more inferences took no more instructions");
    let more = (many.instructions - few.instructions) as f64;
    Ok(Instructions {
        per_inference: more / (many.inferences - few.inferences) as f64,
        counter: counter.name().to_string(),
        kernels: many.kernels,
    })
}

/// The result of one run of `bench`.
struct Counted {
    instructions: u64,
    inferences: u64,
    seconds: f64,
    kernels: String,
}

fn run(
    counter: Counter,
    board: &Board,
    program: &Program,
    folder: &Path,
    window_s: f64,
) -> Result<Counted> {
    let settings = MeasurementSettings { idle_s: 0.0, warmup_s: 0.0, windows: 1, window_s };
    let output =
        output(counter.command(&local_command(board, program, &settings), folder), &INTERRUPT)?;
    ensure!(output.status.success(), "{}: {}", output.status, end_of(&output.stderr));
    let mut counted =
        Counted { instructions: 0, inferences: 0, seconds: 0.0, kernels: String::new() };
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        match json::parse(line)
            .context("bench did not follow its protocol while its instructions were counted")?
        {
            BenchEvent::Ready { kernels, .. } => counted.kernels = kernels,
            BenchEvent::Start { .. } => {}
            BenchEvent::Window { inferences, seconds, .. } => {
                (counted.inferences, counted.seconds) = (inferences, seconds);
            }
        }
    }
    // The plugin writes to the error output.
    let written = fs::read_to_string(folder.join(COUNT_FILE)).unwrap_or_default()
        + &String::from_utf8_lossy(&output.stderr);
    match counter.count(&written) {
        Some(instructions) => counted.instructions = instructions,
        None => bail!("it did not count: {}", end_of(written.as_bytes())),
    }
    Ok(counted)
}
