//! A running program whose lines are read as they come, and which never outlives the wish to read
//! them.

use crate::interrupt;
use anyhow::{Context, Result, bail, ensure};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// No line of `bench` is longer; what is, is not from `bench`.
const MAX_LINE: u64 = 64 * 1024;
/// How often a program that has closed its output is asked whether it has ended.
const EXIT_POLL: Duration = Duration::from_millis(5);
/// How much of the end of a program's output an error shows, in characters.
const SHOWN: usize = 600;
/// How much of its error output is kept, in bytes.
const KEPT_ERRORS: usize = 16 * 1024;

/// How much of other programs' output is kept, in bytes.
const KEPT_OUTPUT: usize = 8 << 20;
/// How long the output of a program that has ended is waited for.
const AFTER_END: Duration = Duration::from_secs(2);
/// The longest that a build or a tool may take. A large network takes a small board's compiler
/// minutes.
pub(crate) const LIMIT: Duration = Duration::from_secs(2 * 60 * 60);

/// A running program. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Killed,
    lines: Receiver<std::io::Result<String>>,
    errors: Receiver<Vec<u8>>,
}

/// What waiting for a line brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// A line, without its end.
    Line(String),
    /// The program has closed its output.
    End,
    /// Nothing yet.
    Nothing,
}

impl Process {
    /// Starts a program.
    pub(crate) fn start(mut command: Command) -> Result<Process> {
        // Its input stays open for as long as this lives: on another machine, its end tells that
        // nobody reads any more.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child =
            command.spawn().with_context(|| format!("{program}: cannot start the program"))?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (send_line, lines) = channel();
        let (send_errors, errors) = channel();
        // Both threads end when the program does, or when nobody listens any more.
        thread::spawn(move || {
            let mut output = BufReader::new(stdout.expect("stdout is piped"));
            while let Some(line) = next_line(&mut output) {
                if send_line.send(line).is_err() {
                    break;
                }
            }
        });
        thread::spawn(move || send_errors.send(last_bytes(stderr.expect("stderr is piped"))));
        Ok(Process { child: Killed(child), lines, errors })
    }

    /// Waits for the next line, at most `limit`.
    ///
    /// # Errors
    /// The output cannot be read, or a line of it is not text or endless; or the wish to read them
    /// has ended.
    pub(crate) fn wait_for_line(&mut self, limit: Duration) -> Result<Waited> {
        let start = Instant::now();
        loop {
            interrupt::check()?;
            let left = limit.saturating_sub(start.elapsed());
            match self.lines.recv_timeout(left.min(interrupt::POLL)) {
                Ok(line) => {
                    return Ok(Waited::Line(line.context("cannot read what bench prints")?));
                }
                Err(RecvTimeoutError::Timeout) if left.is_zero() => return Ok(Waited::Nothing),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(Waited::End),
            }
        }
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.0.id()
    }

    /// Sends it a line.
    ///
    /// # Errors
    /// It does not read any more.
    pub(crate) fn say(&mut self, line: &str) -> std::io::Result<()> {
        let stdin = self.child.0.stdin.as_mut().ok_or(std::io::ErrorKind::BrokenPipe)?;
        stdin.write_all(line.as_bytes())?;
        stdin.write_all(b"\n")?;
        stdin.flush()
    }

    /// Waits for a program that has closed its output to end.
    ///
    /// # Errors
    /// It does not within `limit`, or it failed.
    pub(crate) fn finish(mut self, limit: Duration) -> Result<()> {
        let Some(status) = self.exit_status(limit)? else {
            bail!("bench printed everything, but did not end; it was killed");
        };
        ensure!(status.success(), "bench failed ({status}): {}", self.error_output());
        Ok(())
    }

    /// What became of a program that has closed its output too early, for an error.
    pub(crate) fn epitaph(&mut self, limit: Duration) -> String {
        match self.exit_status(limit) {
            Ok(Some(status)) => format!("{status}: {}", self.error_output()),
            Ok(None) | Err(_) => "it closed its output and did not end".to_string(),
        }
    }

    fn exit_status(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.0.try_wait().context("cannot wait for bench to end")? {
                return Ok(Some(status));
            }
            if start.elapsed() > limit {
                return Ok(None);
            }
            thread::sleep(EXIT_POLL);
        }
    }

    /// The end of the error output of a program that has ended. Whatever it left behind may hold
    /// the pipe open, so this does not wait for long.
    fn error_output(&self) -> String {
        end_of(&self.errors.recv_timeout(AFTER_END).unwrap_or_default())
    }
}

fn next_line(output: &mut impl BufRead) -> Option<std::io::Result<String>> {
    let mut line = String::new();
    match output.take(MAX_LINE).read_line(&mut line) {
        Ok(0) => None,
        Ok(read) if read as u64 == MAX_LINE => {
            Some(Err(std::io::Error::other("a line does not end")))
        }
        Ok(_) => Some(Ok(line.trim_end().to_string())),
        Err(error) => Some(Err(error)),
    }
}

fn last_bytes(mut output: impl Read) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = output.read(&mut buffer) {
        keep(&mut kept, &buffer[..read], KEPT_ERRORS);
    }
    kept
}

/// Runs a program to its end and returns what it said. A signal kills it, and so does [`LIMIT`].
///
/// # Errors
/// It cannot be started, it does not end, or a signal came.
pub(crate) fn output(mut command: Command) -> Result<Output> {
    command.stdin(Stdio::null());
    collect(command, LIMIT, interrupt::check)
}

/// The same for what must not end half-way, with the input that the command has.
///
/// # Errors
/// It cannot be started, or it does not end.
pub(crate) fn output_whatever_comes(command: Command, limit: Duration) -> Result<Output> {
    collect(command, limit, || Ok(()))
}

fn collect(mut command: Command, limit: Duration, go_on: fn() -> Result<()>) -> Result<Output> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let program = command.get_program().to_string_lossy().into_owned();
    let child = command
        .spawn()
        .with_context(|| format!("{program}: cannot start the program; is it installed?"))?;
    let mut child = Killed(child);
    let (stdout, stderr) =
        (child.0.stdout.take().map(Listener::new), child.0.stderr.take().map(Listener::new));
    let start = Instant::now();
    let status = loop {
        go_on()?;
        if let Some(status) =
            child.0.try_wait().with_context(|| format!("cannot wait for {program}"))?
        {
            break status;
        }
        ensure!(
            start.elapsed() <= limit,
            "{program}: it did not end within {} minutes; it was killed",
            minutes(limit)
        );
        thread::sleep(EXIT_POLL);
    };
    let said = |listener: Option<Listener>| listener.map(Listener::finish).unwrap_or_default();
    Ok(Output { status, stdout: said(stdout), stderr: said(stderr) })
}

fn minutes(limit: Duration) -> u64 {
    limit.as_secs() / 60
}

/// A program that does not outlive this.
#[derive(Debug)]
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // Both fail only if it has already ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads a pipe to its end, beside everything else, and keeps the last of it.
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
            // What was read until an error is all there is.
            while let Ok(read @ 1..) = pipe.read(&mut buffer) {
                keep(
                    &mut bytes.lock().expect("nobody panics with it"),
                    &buffer[..read],
                    KEPT_OUTPUT,
                );
            }
            // Nobody may wait any more.
            let _ = send_end.send(());
        });
        Listener { kept, end }
    }

    /// What a program that has ended has said. Whatever it left behind may hold the pipe open, so
    /// this does not wait for long.
    fn finish(self) -> Vec<u8> {
        // That it is late is no error.
        let _ = self.end.recv_timeout(AFTER_END);
        std::mem::take(&mut self.kept.lock().expect("nobody panics with it"))
    }
}

/// Adds bytes to what is kept, of which the first go where there are twice as many as `most`.
fn keep(kept: &mut Vec<u8>, bytes: &[u8], most: usize) {
    kept.extend_from_slice(bytes);
    if kept.len() > 2 * most {
        kept.drain(..kept.len() - most);
    }
}

/// The end of a program's output, on one line.
pub(crate) fn end_of(output: &[u8]) -> String {
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

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::null());
        command
    }

    #[test]
    fn a_program_that_does_not_end_is_killed() {
        let error = output_whatever_comes(shell("exec sleep 1000"), Duration::from_millis(20))
            .unwrap_err()
            .to_string();
        assert_eq!(error, "sh: it did not end within 0 minutes; it was killed");
    }

    #[test]
    fn what_a_program_leaves_behind_is_not_waited_for() {
        let said = output(shell("sleep 1000 & echo $!")).unwrap();
        let pid = String::from_utf8(said.stdout).unwrap();
        assert!(
            Command::new("kill").arg(pid.trim()).status().unwrap().success(),
            "it is still there"
        );
    }

    #[test]
    fn of_endless_output_the_end_is_kept() {
        let said =
            output(shell("yes x | head -c 40000000; echo end; echo no >&2; exit 3")).unwrap();
        assert_eq!((said.status.code(), &said.stderr[..]), (Some(3), &b"no\n"[..]));
        assert!(said.stdout.ends_with(b"x\nend\n") && said.stdout.len() <= 2 * KEPT_OUTPUT);
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
