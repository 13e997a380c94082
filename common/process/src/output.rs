//! Programs that run to their end, with their output in memory.

use crate::child::{Ending, Guarded, program_name};
use crate::interrupt::Interrupt;
use anyhow::{Result, ensure};
use std::io::Read;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Maximum duration of a build or a tool. The compiler of a small board takes minutes for a large
/// network.
pub const LIMIT: Duration = Duration::from_secs(2 * 60 * 60);
/// Interval between checks of a running program.
const POLL: Duration = Duration::from_millis(5);
/// Number of bytes of a program's output that are kept.
const KEPT: usize = 8 << 20;
/// Time for which the output of an ended program is read: processes that it left behind may hold
/// the pipe open.
pub(crate) const AFTER_END: Duration = Duration::from_secs(2);
/// Number of characters at the end of a program's output that an error shows.
const SHOWN: usize = 600;

/// Runs a program without input to its end, at most for [`LIMIT`], and returns its output. A
/// termination signal kills it.
///
/// # Errors
/// Fails if it cannot be started, if it does not end, or if a signal is received.
pub fn output(mut command: Command, interrupt: &Interrupt) -> Result<Output> {
    command.stdin(Stdio::null());
    collect(command, LIMIT, || interrupt.check())
}

/// Runs a program that must not end half-way, with the input that the command has, and returns its
/// output.
///
/// # Errors
/// Fails if it cannot be started, or does not end within `limit`.
pub fn output_uninterrupted(command: Command, limit: Duration) -> Result<Output> {
    collect(command, limit, || Ok(()))
}

fn collect(
    mut command: Command,
    limit: Duration,
    check: impl Fn() -> Result<()>,
) -> Result<Output> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let program = program_name(&command);
    let mut child = Guarded::start(&mut command, Ending::Kill)?;
    let (stdout, stderr) = child.take_outputs();
    let (stdout, stderr) = (stdout.map(Listener::new), stderr.map(Listener::new));
    let start = Instant::now();
    let status = child.wait(POLL, || {
        check()?;
        let minutes = limit.as_secs() / 60;
        ensure!(
            start.elapsed() <= limit,
            "{program}: it did not end within {minutes} minutes; it was killed"
        );
        Ok(())
    })?;
    let kept = |listener: Option<Listener>| listener.map(Listener::finish).unwrap_or_default();
    Ok(Output { status, stdout: kept(stdout), stderr: kept(stderr) })
}

/// Reads a pipe to its end in a thread, and keeps the last of it.
struct Listener {
    kept: Arc<Mutex<Vec<u8>>>,
    end: Receiver<()>,
}

impl Listener {
    fn new(mut pipe: impl Read + Send + 'static) -> Listener {
        let kept = Arc::new(Mutex::new(vec![]));
        let (send_end, end) = channel();
        let bytes = Arc::clone(&kept);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // After an error, the output so far is returned.
            while let Ok(read @ 1..) = pipe.read(&mut buffer) {
                keep(&mut bytes.lock().expect("no thread panics with it"), &buffer[..read], KEPT);
            }
            // An error means that nothing waits for it any more.
            let _ = send_end.send(());
        });
        Listener { kept, end }
    }

    /// Returns the output of a program that has ended.
    fn finish(self) -> Vec<u8> {
        // A timeout is no error.
        let _ = self.end.recv_timeout(AFTER_END);
        std::mem::take(&mut self.kept.lock().expect("no thread panics with it"))
    }
}

/// Appends `bytes` to `kept`, and drops the first bytes where there are over twice as many as
/// `most`.
pub(crate) fn keep(kept: &mut Vec<u8>, bytes: &[u8], most: usize) {
    kept.extend_from_slice(bytes);
    if kept.len() > 2 * most {
        kept.drain(..kept.len() - most);
    }
}

/// Returns the end of a program's output, on one line.
pub fn end_of(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let length = line.chars().count();
    if length == 0 {
        "it said nothing".to_string()
    } else if length <= SHOWN {
        line
    } else {
        format!("... {}", line.chars().skip(length - SHOWN).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(command: Command) -> Result<Output> {
        output(command, &Interrupt::new(""))
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::null());
        command
    }

    #[test]
    fn a_program_that_does_not_end_is_killed() {
        let error = output_uninterrupted(shell("exec sleep 1000"), Duration::from_millis(20))
            .unwrap_err()
            .to_string();
        assert_eq!(error, "sh: it did not end within 0 minutes; it was killed");
    }

    #[test]
    fn background_processes_of_a_program_are_not_waited_for() {
        let said = run(shell("sleep 1000 & echo $!")).unwrap();
        let pid = String::from_utf8(said.stdout).unwrap();
        // A shell has a `kill` of its own; the program is not on every machine.
        let killed = shell(&format!("kill {pid}")).status().unwrap();
        assert!(killed.success(), "it is still there");
    }

    #[test]
    fn the_end_of_long_output_is_kept() {
        let said = run(shell("yes x | head -c 40000000; echo end; echo no >&2; exit 3")).unwrap();
        assert_eq!((said.status.code(), &said.stderr[..]), (Some(3), &b"no\n"[..]));
        assert!(said.stdout.ends_with(b"x\nend\n") && said.stdout.len() <= 2 * KEPT);
    }

    #[test]
    fn long_output_is_cut_at_the_front_and_made_one_line() {
        assert_eq!(end_of(b"error: a\n\n  --> b\n"), "error: a --> b");
        assert_eq!(end_of(b" \n"), "it said nothing");
        let long = end_of("é".repeat(5_000).as_bytes());
        assert_eq!(long.chars().count(), SHOWN + 4);
        assert!(long.starts_with("... é"));
        assert_eq!(end_of("é".repeat(SHOWN).as_bytes()).chars().count(), SHOWN);
    }
}
