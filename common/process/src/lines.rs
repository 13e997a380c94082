//! A program whose lines are read as they come.

use crate::child::{Ending, Guarded};
use crate::interrupt::{self, Interrupt};
use crate::output::{AFTER_END, end_of, keep};
use anyhow::{Context, Result, bail, ensure};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Maximum length of a line in bytes. Programs of this project print no longer ones.
const MAX_LINE: u64 = 64 * 1024;
/// Interval between checks of a program that has closed its output.
const POLL: Duration = Duration::from_millis(5);
/// Number of bytes of the error output that are kept.
const KEPT_ERRORS: usize = 16 * 1024;

/// A running program; it is killed when this is dropped.
#[derive(Debug)]
pub struct LineProgram {
    name: String,
    child: Guarded,
    lines: Receiver<std::io::Result<String>>,
    errors: Receiver<Vec<u8>>,
    interrupt: Interrupt,
}

/// The outcome of waiting for a line.
#[derive(Debug, PartialEq, Eq)]
pub enum Waited {
    /// A line, without its end.
    Line(String),
    /// The program has closed its output.
    End,
    /// The time is over without a line.
    Nothing,
}

impl LineProgram {
    /// Starts a program; `name` is what messages call it.
    ///
    /// # Errors
    /// Fails if it cannot be started.
    pub fn start(mut command: Command, name: &str, interrupt: Interrupt) -> Result<LineProgram> {
        // The input stays open for as long as this value lives. On another machine, the end of the
        // input means that nothing reads the output any more.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Guarded::start(&mut command, Ending::Kill)?;
        let (stdout, stderr) = child.take_outputs();
        let (send_line, lines) = channel();
        let (send_errors, errors) = channel();
        // Both threads end with the program, or once nothing receives any more.
        thread::spawn(move || {
            let mut output = BufReader::new(stdout.expect("stdout is piped"));
            while let Some(line) = next_line(&mut output) {
                if send_line.send(line).is_err() {
                    break;
                }
            }
        });
        thread::spawn(move || send_errors.send(last_bytes(stderr.expect("stderr is piped"))));
        Ok(LineProgram { name: name.to_string(), child, lines, errors, interrupt })
    }

    /// Waits for the next line, at most `limit`.
    ///
    /// # Errors
    /// Fails if the output cannot be read, if a line is not text or has no end, or if a termination
    /// signal is received.
    pub fn wait_for_line(&mut self, limit: Duration) -> Result<Waited> {
        let start = Instant::now();
        loop {
            self.interrupt.check()?;
            let left = limit.saturating_sub(start.elapsed());
            match self.lines.recv_timeout(left.min(interrupt::POLL)) {
                Ok(line) => {
                    let line =
                        line.with_context(|| format!("cannot read what {} prints", self.name));
                    return Ok(Waited::Line(line?));
                }
                Err(RecvTimeoutError::Timeout) if left.is_zero() => return Ok(Waited::Nothing),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(Waited::End),
            }
        }
    }

    /// Returns the process ID.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a line to the program.
    ///
    /// # Errors
    /// Fails if it does not read any more.
    pub fn say(&mut self, line: &str) -> std::io::Result<()> {
        let stdin = self.child.stdin().ok_or(std::io::ErrorKind::BrokenPipe)?;
        stdin.write_all(line.as_bytes())?;
        stdin.write_all(b"\n")?;
        stdin.flush()
    }

    /// Waits for a program that has closed its output to end.
    ///
    /// # Errors
    /// Fails if it does not end within `limit`, or if its exit status is not 0.
    pub fn finish(mut self, limit: Duration) -> Result<()> {
        let Some(status) = self.exit_status(limit)? else {
            bail!("{} printed everything, but did not end; it was killed", self.name);
        };
        ensure!(status.success(), "{} failed ({status}): {}", self.name, self.error_output());
        Ok(())
    }

    /// Returns the reason why a program has closed its output too early, for an error.
    pub fn exit_reason(&mut self, limit: Duration) -> String {
        match self.exit_status(limit) {
            Ok(Some(status)) => format!("{status}: {}", self.error_output()),
            Ok(None) | Err(_) => "it closed its output and did not end".to_string(),
        }
    }

    fn exit_status(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let start = Instant::now();
        loop {
            let status = self.child.ended()?;
            if status.is_some() || start.elapsed() > limit {
                return Ok(status);
            }
            thread::sleep(POLL);
        }
    }

    /// Returns the end of the error output of a program that has ended.
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
