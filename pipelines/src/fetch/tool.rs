//! Runs the tools that fetch and unpack: quietly, within limits of time and size; their output on
//! stderr becomes the error.

use super::interrupt::INTERRUPT;
use super::scratch::SpaceLimit;
use anyhow::{Context, Result, ensure};
use process::child::{Ending, Guarded, program_name};
use std::fs::File;
use std::io::{Read, Seek};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The longest time that a tool may take: CIFAR's 170 MB at 100 kB/s.
const LIMIT: Duration = Duration::from_secs(30 * 60);
/// Interval between checks of a running tool.
const POLL: Duration = Duration::from_millis(20);
/// Shortest interval between checks of the size of its files; it is longer if there are many.
const SIZE_POLL: Duration = Duration::from_millis(100);
/// Time that a tool has to end after a termination signal.
const GRACE: Duration = Duration::from_secs(2);
/// Bytes of a tool's error output that are read.
const ERROR_BYTES: u64 = 64 << 10;
/// Characters of them that an error shows.
const ERROR_CHARS: usize = 300;

/// Runs a tool to its end in the folder of its room.
///
/// # Errors
/// Fails if it cannot be started, takes too long or too much room, or fails, or if a signal is
/// received; the error is one line.
pub(super) fn run(command: &mut Command, room: &SpaceLimit) -> Result<()> {
    run_within(command, room, LIMIT)
}

fn run_within(command: &mut Command, room: &SpaceLimit, limit: Duration) -> Result<()> {
    INTERRUPT.check()?;
    let program = program_name(command);
    let mut errors = tempfile::tempfile().context("cannot make a temporary file")?;
    let stderr = errors.try_clone().context("cannot use a temporary file")?;
    command.current_dir(&room.folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
    let mut child = Guarded::start(command, Ending::TerminateGroup(GRACE))?;
    let start = Instant::now();
    let mut look = start + SIZE_POLL;
    let status = child.wait(POLL, || {
        INTERRUPT.check()?;
        let now = Instant::now();
        ensure!(now - start <= limit, "stopped after {} minutes", limit.as_secs() / 60);
        if now > look {
            ensure!(!room.is_exceeded(), "stopped: {}", too_much(room));
            look = now + SIZE_POLL.max(10 * now.elapsed());
        }
        Ok(())
    });
    let status = status.with_context(|| program.clone())?;
    ensure!(status.success(), "{program}: {status}: {}", one_line(&mut errors));
    ensure!(!room.is_exceeded(), "{program}: {}", too_much(room));
    Ok(())
}

fn too_much(room: &SpaceLimit) -> String {
    format!("it has made over {} bytes, more than a data set's files can be", room.bytes)
}

fn one_line(errors: &mut File) -> String {
    let mut bytes = Vec::new();
    // If the output cannot be read, the failure is still reported.
    let _ = errors.rewind().and_then(|()| errors.take(ERROR_BYTES).read_to_end(&mut bytes));
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("; ").chars().filter(|c| !c.is_control()).take(ERROR_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn room(folder: &tempfile::TempDir) -> SpaceLimit {
        SpaceLimit { folder: folder.path().to_path_buf(), bytes: 100_000 }
    }

    fn run_script(script: &str) -> Result<()> {
        run(&mut shell(script), &room(&tempfile::tempdir().unwrap()))
    }

    #[test]
    fn a_failure_is_one_line_with_the_tools_error_output() {
        let error = run_script("echo one >&2; echo; echo two >&2; exit 6").unwrap_err().to_string();
        assert_eq!(error, "sh: exit status: 6: one; two");
        let endless = run_script("yes x | head -c 100000 >&2; exit 1").unwrap_err().to_string();
        assert!(endless.len() < 400, "{} bytes", endless.len());
        assert!(run_script("echo to stderr >&2").is_ok());
    }

    #[test]
    fn a_missing_program_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = format!(
            "{:#}",
            run(&mut Command::new("no-such-program-here"), &room(&folder)).unwrap_err()
        );
        assert!(error.starts_with("no-such-program-here: cannot start the program"), "{error}");
    }

    #[test]
    fn a_tool_that_does_not_end_is_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let limit = Duration::from_millis(50);
        let error = run_within(&mut shell("exec sleep 1000"), &room(&folder), limit).unwrap_err();
        assert_eq!(format!("{error:#}"), "sh: stopped after 0 minutes");
    }

    #[test]
    fn a_program_that_fills_the_disk_is_stopped() {
        for script in [
            "truncate -s 1T hole; sleep 1000",
            "truncate -s 1T hole",
            "for i in $(seq 30); do : > $i; done",
        ] {
            let error = format!("{:#}", run_script(script).unwrap_err());
            assert!(error.contains("it has made over 100000 bytes"), "{error}");
        }
        run_script("head -c 90000 /dev/zero > some").unwrap();
    }
}
