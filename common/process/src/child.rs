//! Running other stages' programs so that they end with this one.

use anyhow::{Context, Result, bail};
use common::{interrupt, parent, reading};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::fs::File;
use std::io::PipeWriter;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Signals with which a person or a system ends a run; they say nothing about the program that they
/// end.
const INTERRUPTIONS: [i32; 3] = [SIGHUP, SIGINT, SIGTERM];
/// How often running programs are looked at. Trainings and measurements take seconds.
pub const POLL: Duration = Duration::from_millis(10);
/// How long a program that is asked to end may take.
const GRACE: Duration = Duration::from_secs(5);
/// How many of a log's last lines go into an error message.
const LOG_LINES: usize = 3;
/// How many bytes of a log's end are looked at for them.
const LOG_BYTES: u64 = 16 * 1024;

/// Tells when Ctrl-C or SIGTERM asks this program to end.
#[derive(Clone, Copy, Debug)]
pub struct Interrupt {
    /// What continues an interrupted run.
    goes_on: &'static str,
}

impl Interrupt {
    /// Catches the signals from now on; `goes_on` is what continues an interrupted run, for the
    /// error.
    ///
    /// # Errors
    /// The system refuses.
    pub fn catch(goes_on: &'static str) -> Result<Interrupt> {
        interrupt::watch()?;
        Ok(Interrupt { goes_on })
    }

    /// That no signal was caught.
    ///
    /// # Errors
    /// One was.
    pub fn check(&self) -> Result<()> {
        if interrupt::is_caught() {
            bail!(self.interruption());
        }
        Ok(())
    }

    /// That a program was not ended by a signal that a person or a system sends to end a run.
    ///
    /// # Errors
    /// It was.
    pub fn check_status(&self, status: ExitStatus) -> Result<()> {
        if status.signal().is_some_and(|signal| INTERRUPTIONS.contains(&signal)) {
            bail!(self.interruption());
        }
        Ok(())
    }

    fn interruption(&self) -> String {
        format!("interrupted; {}", self.goes_on())
    }

    /// Says how a run goes on that ends before its time.
    pub fn goes_on(&self) -> String {
        format!("what is finished is kept, and {} goes on from there", self.goes_on)
    }

    /// Runs a program to its end, with all it says in a log; it is killed when a signal is caught.
    ///
    /// # Errors
    /// The program cannot be started, it fails (with the end of its log), or a signal ends it or
    /// this program.
    pub fn run(&self, mut command: Command, log: &Path) -> Result<()> {
        let file = File::create(log)
            .with_context(|| format!("{}: cannot write the file", log.display()))?;
        let output = file
            .try_clone()
            .with_context(|| format!("{}: cannot write the file", log.display()))?;
        let name = Path::new(command.get_program()).display().to_string();
        command.stdout(output).stderr(file);
        let mut program = Guarded::start(command)?;
        loop {
            self.check()?;
            match program.ended()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => {
                    self.check_status(status)?;
                    bail!(
                        "{name} ended with {status}: {}; all it said is in {}",
                        log_end(log),
                        log.display()
                    );
                }
                None => sleep(POLL),
            }
        }
    }
}

/// A program that does not outlive this. It is asked to end first, for `measure` has programs of
/// its own to end, and a copy on a board to remove. Where this program is killed, a stage ends by
/// itself ([`parent`]).
#[derive(Debug)]
pub struct Guarded {
    child: Child,
    /// The end of the pipe that tells the program that this one lives.
    _alive: PipeWriter,
}

impl Guarded {
    /// Starts a program.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(mut command: Command) -> Result<Guarded> {
        let name = Path::new(command.get_program()).display().to_string();
        let failed = || format!("{name}: cannot start the program");
        let (theirs, alive) = std::io::pipe().with_context(failed)?;
        let theirs = File::from(OwnedFd::from(theirs));
        command
            .env(parent::VARIABLE, theirs.metadata().with_context(failed)?.ino().to_string())
            .stdin(theirs);
        Ok(Guarded { child: command.spawn().with_context(failed)?, _alive: alive })
    }

    /// How it ended; `None` while it runs.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().context("cannot wait for a program")
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // Once it has been waited for, its number may be another program's.
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        // Errors mean that it has ended by itself.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let asked = Instant::now();
        while asked.elapsed() < GRACE {
            match self.child.try_wait() {
                Ok(None) => sleep(POLL),
                Ok(Some(_)) | Err(_) => return,
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The last lines of a log, on one line. A log may be larger than memory, and so may a line of it.
pub fn log_end(path: &Path) -> String {
    let text = reading::end(path, LOG_BYTES);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.len() {
        0 => "it did not say why".to_string(),
        many => lines[many.saturating_sub(LOG_LINES)..].join(" | "),
    }
}

/// The last line of a log; empty where there is none.
pub fn last_line(path: &Path) -> String {
    reading::end(path, LOG_BYTES).lines().last().unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_log_that_no_memory_holds_the_end_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        assert_eq!(log_end(&log), "it did not say why");
        std::fs::write(&log, "one\ntwo\n\n three\nfour\n").unwrap();
        assert_eq!(log_end(&log), "two | three | four");
        // Sparse: one line of 1 TiB.
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
