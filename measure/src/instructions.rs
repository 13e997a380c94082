//! Instructions of one inference. They are counted in runs of their own, beside no clock, and
//! hardly differ from one run to the next: from a run with few inferences to one with many, the
//! count grows by those of the inferences between.

use crate::interrupt;
use crate::process::{self, end_of};
use crate::qemu_plugin;
use crate::runner::{self, Program};
use anyhow::{Context, Result, bail, ensure};
use common::bench::BenchEvent;
use common::board::{Board, Runner};
use common::json::{self, Known};
use common::measurement::Instructions;
use common::profile::MeasurementSettings;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Least length of the run with many inferences; counting slows a program down up to a hundred
/// times.
const WINDOW_S: f64 = 2.0;
/// How many times as long as that with few it is at least.
const LONGER: f64 = 4.0;

/// The file that a counter writes.
const COUNT: &str = "count";

/// What counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counter {
    /// The processor itself, through Linux's perf.
    Perf,
    /// An emulator of this machine's processor.
    Valgrind,
    /// A plugin of the QEMU that runs the program.
    Qemu,
}

impl Counter {
    fn name(self) -> &'static str {
        match self {
            Counter::Perf => "perf",
            Counter::Valgrind => "valgrind",
            Counter::Qemu => "qemu",
        }
    }

    /// The command that runs another one and writes the count to a file in a folder.
    fn command(self, inner: &Command, folder: &Path) -> Command {
        let (program, arguments) = (inner.get_program(), inner.get_args());
        let file = folder.join(COUNT);
        let mut command;
        match self {
            Counter::Perf => {
                command = Command::new("perf");
                command
                    .args(["stat", "-x,", "-e", "instructions:u", "-o"])
                    .arg(file)
                    .arg("--")
                    .arg(program);
            }
            Counter::Valgrind => {
                command = Command::new("valgrind");
                command.args([
                    "--tool=cachegrind",
                    "--cache-sim=no",
                    "--cachegrind-out-file=/dev/null",
                ]);
                command.arg(format!("--log-file={}", file.display())).arg(program);
            }
            Counter::Qemu => {
                command = Command::new(program);
                command.arg("-plugin").arg(folder.join(qemu_plugin::FILE));
            }
        }
        command.args(arguments);
        command
    }

    /// The count in what was written.
    fn count(self, text: &str) -> Option<u64> {
        let number = |word: &str| word.replace(',', "").parse().ok();
        match self {
            Counter::Perf => text
                .lines()
                .find(|line| line.contains("instructions"))
                .and_then(|line| number(line.split(',').next()?)),
            Counter::Valgrind => {
                let line = text.lines().find(|line| line.contains("refs:"))?;
                number(line.split_whitespace().last()?)
            }
            Counter::Qemu => {
                number(text.lines().find_map(|line| line.strip_prefix("instructions: "))?)
            }
        }
    }
}

/// Instructions of one inference, or why they are not known.
///
/// # Errors
/// Counting was interrupted.
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
        interrupt::check()?;
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
    let many = run(counter, board, program, folder, WINDOW_S.max(LONGER * few.seconds))?;
    ensure!(many.inferences > few.inferences, "a longer run made no more inferences");
    ensure!(many.instructions > few.instructions, "more inferences took no more instructions");
    let more = (many.instructions - few.instructions) as f64;
    Ok(Instructions {
        per_inference: more / (many.inferences - few.inferences) as f64,
        counter: counter.name().to_string(),
        kernels: many.kernels,
    })
}

/// What one run of `bench` came to.
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
        process::output(counter.command(&runner::here(board, program, &settings), folder))?;
    ensure!(output.status.success(), "{}: {}", output.status, end_of(&output.stderr));
    let mut counted =
        Counted { instructions: 0, inferences: 0, seconds: 0.0, kernels: String::new() };
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        match json::parse(line).context("bench printed something else while it was counted")? {
            BenchEvent::Ready { kernels, .. } => counted.kernels = kernels,
            BenchEvent::Start { .. } => {}
            BenchEvent::Window { inferences, seconds, .. } => {
                (counted.inferences, counted.seconds) = (inferences, seconds);
            }
        }
    }
    // The plugin writes to the error output.
    let written = fs::read_to_string(folder.join(COUNT)).unwrap_or_default()
        + &String::from_utf8_lossy(&output.stderr);
    match counter.count(&written) {
        Some(instructions) => counted.instructions = instructions,
        None => bail!("it did not count: {}", end_of(written.as_bytes())),
    }
    Ok(counted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_as_each_counter_writes_them() {
        let perf = "# started on Wed\n\n1234567,,instructions:u,6712345,100.00,,\n";
        assert_eq!(Counter::Perf.count(perf), Some(1_234_567));
        assert_eq!(Counter::Perf.count("<not supported>,,instructions:u,0,100.00,,\n"), None);
        assert_eq!(
            Counter::Valgrind.count("==1== \n==1== I   refs:      1,234,567\n"),
            Some(1_234_567)
        );
        assert_eq!(Counter::Qemu.count("a warning\ninstructions: 9\n"), Some(9));
        assert_eq!(Counter::Qemu.count(""), None);
    }

    #[test]
    fn a_counter_goes_before_what_it_counts() {
        let mut inner = Command::new("qemu-arm");
        inner.args(["-cpu", "cortex-a15", "bench"]);
        let shown = |counter: Counter| {
            format!("{:?}", counter.command(&inner, Path::new("f"))).replace('"', "")
        };
        assert_eq!(
            shown(Counter::Qemu),
            "qemu-arm -plugin f/count_instructions.so -cpu cortex-a15 bench"
        );
        assert!(shown(Counter::Perf).ends_with("-o f/count -- qemu-arm -cpu cortex-a15 bench"));
        assert!(
            shown(Counter::Valgrind).ends_with("--log-file=f/count qemu-arm -cpu cortex-a15 bench")
        );
    }
}
