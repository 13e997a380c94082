//! A built program, and the command that runs it.

use super::tool;
use common::board::Board;
use common::profile::MeasurementSettings;
use std::path::PathBuf;
use std::process::Command;

/// A crate's `bench` program, built for its board.
#[derive(Debug)]
pub(crate) struct Program {
    /// The program's file on this machine.
    pub(crate) file: PathBuf,
    /// Version of the compiler, as it prints it.
    pub(crate) rustc: String,
}

/// A command that runs `bench` on a board and prints its output.
#[derive(Debug)]
pub(crate) struct BenchCommand {
    /// The command on this machine.
    pub(crate) command: Command,
    /// The place of `bench`'s output in the command's output.
    pub(crate) framing: OutputFraming,
}

/// The place of `bench`'s output in the output of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutputFraming {
    /// The output is that of `bench`.
    Plain,
    /// The output of `bench` follows the mark of a board's shell, which may print lines of its own
    /// before it.
    AfterMark,
    /// The output of `bench` follows lines of a debug probe, and does not end: a microcontroller
    /// does not end.
    Probe,
}

/// Returns the command that runs `bench` on this machine, by itself or by the board's tool.
pub(crate) fn local_command(
    board: &Board,
    program: &Program,
    settings: &MeasurementSettings,
) -> Command {
    let arguments = bench_arguments(settings);
    match &board.command {
        Some(words) => tool::command(words, &program.file, &arguments),
        None => {
            let mut command = Command::new(&program.file);
            command.args(arguments);
            command
        }
    }
}

/// Returns the arguments of `bench`.
pub(super) fn bench_arguments(settings: &MeasurementSettings) -> [String; 6] {
    let MeasurementSettings { idle_s: _, warmup_s, windows, window_s } = settings;
    let pairs = [
        ("windows", windows.to_string()),
        ("window-s", window_s.to_string()),
        ("warmup-s", warmup_s.to_string()),
    ];
    let [[a, b], [c, d], [e, f]] = pairs.map(|(name, value)| [format!("--{name}"), value]);
    [a, b, c, d, e, f]
}
