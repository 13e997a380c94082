//! Ways to kill a run.

use crate::pipeline::Pipeline;
use crate::processes::{self, Process};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A way to kill a run, with SIGKILL.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kill {
    /// All processes of the run at once.
    Group,
    /// The make that a user called.
    Make,
    /// One program of the run, drawn at random: a stage, a training, a compiler.
    Program,
    /// All processes, while a temporary file is there.
    WhileWriting,
    /// All processes, and those of the next run too.
    Twice,
}

impl Kill {
    pub(crate) const ALL: [Kill; 5] =
        [Kill::Group, Kill::Make, Kill::Program, Kill::WhileWriting, Kill::Twice];

    /// Returns how often the run is killed.
    pub(crate) fn times(self) -> usize {
        if matches!(self, Kill::Twice) { 2 } else { 1 }
    }

    /// Starts a run and kills it after a time, unless it has ended. `draw` decides on the program.
    pub(crate) fn kill(self, pipeline: &Pipeline, after: Duration, draw: usize) {
        let mut make = pipeline.start();
        sleep_unless_ended(&mut make, after, || false);
        if matches!(self, Kill::WhileWriting) {
            sleep_unless_ended(&mut make, Duration::from_secs(60), || {
                pipeline.has_temporary_file()
            });
        }
        if make.try_wait().unwrap().is_none() {
            match self {
                Kill::Make => make.kill().unwrap(),
                Kill::Program => kill_one(&processes::of(pipeline.folder()), &make, draw),
                Kill::Group | Kill::WhileWriting | Kill::Twice => {
                    signal(&format!("-{}", make.id()));
                }
            }
        }
        make.wait().unwrap();
    }
}

/// Kills one of the processes, not make itself.
fn kill_one(running: &[Process], make: &Child, draw: usize) {
    let others: Vec<&Process> = running.iter().filter(|process| process.id != make.id()).collect();
    if !others.is_empty() {
        signal(&others[draw % others.len()].id.to_string());
    }
}

/// A shell has a `kill` of its own; the program is not on every machine.
fn signal(whom: &str) {
    // The process may have ended meanwhile.
    let _ = Command::new("sh").args(["-c", &format!("kill -KILL {whom} 2>/dev/null")]).status();
}

/// Waits until a time has passed, a condition holds, or the process has ended.
fn sleep_unless_ended(process: &mut Child, time: Duration, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while begun.elapsed() < time && !holds() && process.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(1));
    }
}
