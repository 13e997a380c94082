//! A child process that does not outlive the value that holds it.

use crate::parent;
use anyhow::{Context, Result};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};
use std::fs::File;
use std::io::PipeWriter;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Interval between checks of a child that has been asked to end.
const POLL: Duration = Duration::from_millis(10);
/// Time that a stage has to end after SIGTERM: `measure` has programs of its own to end, and a copy
/// on a board to remove.
const STAGE_GRACE: Duration = Duration::from_secs(5);

/// The way in which a running child is ended when it is dropped.
#[derive(Clone, Copy, Debug)]
pub enum Ending {
    /// SIGKILL.
    Kill,
    /// SIGTERM, then SIGKILL after this time.
    Terminate(Duration),
    /// SIGTERM, then SIGKILL after this time, to the child and everything that it has started: it
    /// leads a process group of its own.
    TerminateGroup(Duration),
}

/// A child process that is ended when this is dropped.
#[derive(Debug)]
pub struct Guarded {
    child: Child,
    ending: Ending,
    /// Pipe end that tells the child stage that this program is alive.
    alive: Option<PipeWriter>,
}

impl Guarded {
    /// Starts a program.
    ///
    /// # Errors
    /// Fails if it cannot be started.
    pub fn start(command: &mut Command, ending: Ending) -> Result<Guarded> {
        if let Ending::TerminateGroup(_) = ending {
            command.process_group(0);
        }
        let name = program_name(command);
        let child = command
            .spawn()
            .with_context(|| format!("{name}: cannot start the program; is it installed?"))?;
        Ok(Guarded { child, ending, alive: None })
    }

    /// Starts the program of another stage, which ends by itself once this program is gone
    /// ([`parent`]).
    ///
    /// # Errors
    /// Fails if it cannot be started.
    pub fn start_stage(command: &mut Command) -> Result<Guarded> {
        let name = program_name(command);
        let failed = || format!("{name}: cannot start the program");
        let (theirs, alive) = std::io::pipe().with_context(failed)?;
        let theirs = File::from(OwnedFd::from(theirs));
        command
            .env(parent::VARIABLE, theirs.metadata().with_context(failed)?.ino().to_string())
            .stdin(theirs);
        let mut child = Guarded::start(command, Ending::Terminate(STAGE_GRACE))?;
        child.alive = Some(alive);
        Ok(child)
    }

    /// Returns the process ID.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the child's standard input, where it is a pipe.
    pub fn stdin(&mut self) -> Option<&mut ChildStdin> {
        self.child.stdin.as_mut()
    }

    /// Takes the child's standard output and error output, where they are pipes.
    pub fn take_outputs(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdout.take(), self.child.stderr.take())
    }

    /// Returns the exit status; `None` while the child runs.
    ///
    /// # Errors
    /// Fails if the system does not tell.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().context("cannot wait for a program")
    }

    /// Waits for the child to end, and calls `check` after each `poll` in which it has not.
    ///
    /// # Errors
    /// Fails if the system does not tell, or with the error of `check`; then the child still runs.
    pub fn wait(
        &mut self,
        poll: Duration,
        mut check: impl FnMut() -> Result<()>,
    ) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            check()?;
            sleep(poll);
        }
    }

    /// Returns whether the child has ended, and leaves its status to be waited for.
    fn is_zombie(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(waitid(WaitId::Pid(Pid::from_child(&self.child)), options), Ok(None))
    }

    fn send(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        // An error means that it has ended by itself.
        let _ = match self.ending {
            Ending::TerminateGroup(_) => kill_process_group(pid, signal),
            Ending::Kill | Ending::Terminate(_) => kill_process(pid, signal),
        };
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // After the child has been waited for, its process ID may belong to another program.
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        if let Ending::Terminate(grace) | Ending::TerminateGroup(grace) = self.ending {
            self.send(Signal::TERM);
            let asked = Instant::now();
            while asked.elapsed() < grace && !self.is_zombie() {
                sleep(POLL);
            }
        }
        // The child is waited for last, so its process ID and that of its group are still its own.
        self.send(Signal::KILL);
        let _ = self.child.wait();
    }
}

/// Returns the name of a command's program, for messages.
pub fn program_name(command: &Command) -> String {
    Path::new(command.get_program()).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::process::Stdio;

    /// The pipe is closed only when all processes that hold it have ended.
    #[test]
    fn a_group_ends_with_all_that_it_has_started() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut command = Command::new("sh");
        let script = "sh -c 'trap \"\" TERM; while true; do sleep 1; done' & exec sleep 1000";
        command.args(["-c", script]).stdin(Stdio::null()).stdout(writer);
        let grace = Duration::from_millis(500);
        let mut child = Guarded::start(&mut command, Ending::TerminateGroup(grace)).unwrap();
        drop(command);
        assert!(child.ended().unwrap().is_none());
        drop(child);
        reader.read_to_end(&mut Vec::new()).unwrap();
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let started = Guarded::start(&mut Command::new("no-such-program-here"), Ending::Kill);
        let error = format!("{:#}", started.unwrap_err());
        assert!(error.starts_with("no-such-program-here: cannot start the program"), "{error}");
    }
}
