//! Single commands on a cluster, one after the other, each with a task of its own.

use super::job::{End, Job};
use super::run::{Cluster, Common};
use super::scheduler::Scheduler;
use crate::child::program_name;
use crate::interrupt::Interrupt;
use crate::logged::log_end;
use anyhow::{Context, Result, bail};
use common::diagnostics;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

/// Interval between looks at a cluster, which decides by itself how often it is asked.
const POLL: Duration = Duration::from_millis(20);
/// Runs the words from the second on in the folder that the first names.
const IN_FOLDER: [&str; 4] = ["sh", "-c", "cd \"$1\" && shift && exec \"$@\"", "sh"];

/// What runs single commands on a cluster.
#[derive(Clone, Debug)]
pub struct Single<S> {
    /// The scheduler.
    pub scheduler: S,
    /// What all tasks have in common.
    pub common: Common,
    /// Number of times that a command is run again whose task was lost or killed.
    pub retries: usize,
}

impl<S: Scheduler + Clone> Single<S> {
    /// Runs a command to its end on another machine, in the same folder as this program, with its
    /// errors in a log.
    ///
    /// # Errors
    /// Fails if the command does (with the end of its log), if its task is lost too often, if the
    /// cluster cannot be used, or if a termination signal is received.
    pub fn run(&self, command: &Command, log: &Path, interrupt: &Interrupt) -> Result<()> {
        let name = program_name(command);
        let log = std::path::absolute(log).with_context(|| log.display().to_string())?;
        let here = std::env::current_dir().context("the current folder is not known")?;
        let mut words: Vec<OsString> = IN_FOLDER.map(OsString::from).into();
        words.extend([here.into_os_string(), command.get_program().to_os_string()]);
        words.extend(command.get_args().map(OsString::from));
        let job = Job { command: words, log: log.clone() };
        let mut cluster = Cluster::begin(self.scheduler.clone(), self.common.clone(), interrupt)?;
        for attempt in 0..=self.retries {
            let ended = match end_of(&mut cluster, &job, interrupt)? {
                End::Code(0) => return Ok(()),
                End::Code(code) => bail!(
                    "{name} ended with exit code {code}: {}; all it said is in {}",
                    log_end(&log),
                    log.display()
                ),
                End::Signal(signal) => format!("{name} was ended by signal {signal}"),
                End::Lost(reason) => format!("{name} was lost: {reason}"),
            };
            let remedy = interrupt.remedy();
            match attempt == self.retries {
                true => bail!("{ended}, the last of {} times; {remedy}", attempt + 1),
                false => diagnostics::say(&format!("{ended}; it is run again")),
            }
        }
        Ok(())
    }
}

fn end_of<S: Scheduler>(cluster: &mut Cluster<S>, job: &Job, interrupt: &Interrupt) -> Result<End> {
    cluster.submit(&[(0, job.clone())], 1)?;
    loop {
        interrupt.check()?;
        if let Some((_, end)) = cluster.poll()?.pop() {
            return Ok(end);
        }
        sleep(POLL);
    }
}
