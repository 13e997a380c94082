//! Programs of other stages, with their output in a log file.

use crate::child::{Guarded, program_name};
use crate::interrupt::Interrupt;
use anyhow::{Context, Result, bail};
use common::files::reading;
use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Interval between checks of a running program. Trainings and measurements take seconds.
pub const POLL: Duration = Duration::from_millis(10);
/// Number of last lines of a log that go into an error message.
const LOG_LINES: usize = 3;
/// Number of bytes at the end of a log that are read for them.
const LOG_BYTES: u64 = 16 * 1024;

/// Runs the program of a stage to its end, with its output in a log. A termination signal ends it.
///
/// # Errors
/// Fails if the program cannot be started, if it fails (with the end of its log), or if a signal
/// ends it or this program.
pub fn run(mut command: Command, log: &Path, interrupt: &Interrupt) -> Result<()> {
    let failed = || format!("{}: cannot write the file", log.display());
    let file = File::create(log).with_context(failed)?;
    let output = file.try_clone().with_context(failed)?;
    let name = program_name(&command);
    let mut program = Guarded::start_stage(command.stdout(output).stderr(file))?;
    let status = program.wait(POLL, || interrupt.check())?;
    if status.success() {
        return Ok(());
    }
    interrupt.check_status(status)?;
    bail!("{name} ended with {status}: {}; all it said is in {}", log_end(log), log.display())
}

/// Returns the last lines of a log, on one line. A log may be larger than memory, and so may a line
/// of it.
pub fn log_end(path: &Path) -> String {
    let text = reading::tail(path, LOG_BYTES);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.len() {
        0 => "it did not say why".to_string(),
        many => lines[many.saturating_sub(LOG_LINES)..].join(" | "),
    }
}

/// Returns the last line of a log; empty where there is none.
pub fn last_line(path: &Path) -> String {
    reading::tail(path, LOG_BYTES).lines().last().unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_huge_log_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        assert_eq!(log_end(&log), "it did not say why");
        std::fs::write(&log, "one\ntwo\n\n three\nfour\n").unwrap();
        assert_eq!(log_end(&log), "two | three | four");
        // A sparse file with one line of 1 TiB.
        File::options().write(true).open(&log).unwrap().set_len(1 << 40).unwrap();
        assert!(log_end(&log).len() <= LOG_BYTES as usize);
        std::os::unix::fs::FileExt::write_all_at(
            &File::options().write(true).open(&log).unwrap(),
            b"\nerror: late\n",
            1 << 40,
        )
        .unwrap();
        assert!(log_end(&log).ends_with("error: late"));
        assert_eq!(
            (last_line(&log).as_str(), last_line(&dir.path().join("none")).as_str()),
            ("error: late", "")
        );
    }
}
