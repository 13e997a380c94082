//! Commands on a cluster that do not depend on each other, each with a task of its own.

use super::job::{End, Job};
use super::run::{Cluster, Common};
use super::scheduler::Scheduler;
use crate::child::program_name;
use crate::interrupt::Interrupt;
use crate::logged::log_end;
use anyhow::{Context, Result, bail};
use common::diagnostics;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Interval between looks at a cluster, which decides by itself how often it is asked.
const POLL: Duration = Duration::from_millis(20);
/// Runs the words from the second on in the folder that the first names.
const IN_FOLDER: [&str; 4] = ["sh", "-c", "cd \"$1\" && shift && exec \"$@\"", "sh"];

/// What runs commands on a cluster.
#[derive(Clone, Debug)]
pub struct Commands<S> {
    /// The scheduler.
    pub scheduler: S,
    /// What all tasks have in common.
    pub common: Common,
    /// Number of times that a command is run again whose task was lost or killed.
    pub retries: usize,
}

/// A command for a cluster.
#[derive(Debug)]
pub struct ClusterCommand {
    /// What the command makes, in words for people.
    pub label: String,
    /// The command, which runs in the same folder as this program.
    pub command: Command,
    /// File for its errors.
    pub log: PathBuf,
    /// The file that it writes last.
    pub result: PathBuf,
}

impl<S: Scheduler + Clone> Commands<S> {
    /// Runs commands on other machines, all at the same time as far as the cluster has room, and
    /// waits until all have ended and their results are there.
    ///
    /// # Errors
    /// Fails if a command does (with the end of its log), if its task is lost too often, if the
    /// cluster cannot be used, or if a termination signal is received. No task is left then.
    pub fn run(&self, commands: &[ClusterCommand], interrupt: &Interrupt) -> Result<()> {
        let jobs: Vec<Job> = commands.iter().map(job).collect::<Result<_>>()?;
        let mut cluster = Cluster::begin(self.scheduler.clone(), self.common.clone(), interrupt)?;
        let mut left = Left {
            commands,
            retries: self.retries,
            file_wait: self.common.file_wait,
            waiting: (0..jobs.len()).collect(),
            failures: vec![0; jobs.len()],
            late: Vec::new(),
        };
        loop {
            interrupt.check()?;
            let waiting = std::mem::take(&mut left.waiting);
            let waiting: Vec<(usize, Job)> =
                waiting.into_iter().map(|index| (index, jobs[index].clone())).collect();
            cluster.submit(&waiting, 1)?;
            for (index, end) in cluster.poll()? {
                left.ended(index, &end, interrupt)?;
            }
            left.look_for_results(interrupt)?;
            if cluster.is_idle() && left.waiting.is_empty() && left.late.is_empty() {
                return Ok(());
            }
            sleep(POLL);
        }
    }
}

/// Commands on their way to a result.
struct Left<'a> {
    commands: &'a [ClusterCommand],
    retries: usize,
    file_wait: Duration,
    /// Indices of commands that are to be submitted.
    waiting: Vec<usize>,
    /// Number of times that each command was lost or killed.
    failures: Vec<usize>,
    /// Commands that have ended well and whose results are not there yet, and since when.
    late: Vec<(usize, Instant)>,
}

impl Left<'_> {
    fn ended(&mut self, index: usize, end: &End, interrupt: &Interrupt) -> Result<()> {
        let ClusterCommand { label, command, log, .. } = &self.commands[index];
        let name = program_name(command);
        match end {
            End::Code(0) => {
                self.late.push((index, Instant::now()));
                Ok(())
            }
            End::Code(code) => bail!(
                "{label}: {name} ended with exit code {code}: {}; all it said is in {}",
                log_end(log),
                log.display()
            ),
            End::Signal(signal) => {
                self.repeat(index, &format!("{name} was ended by signal {signal}"), interrupt)
            }
            End::Lost(reason) => {
                self.repeat(index, &format!("{name} was lost: {reason}"), interrupt)
            }
        }
    }

    fn look_for_results(&mut self, interrupt: &Interrupt) -> Result<()> {
        for (index, since) in std::mem::take(&mut self.late) {
            let result = &self.commands[index].result;
            if is_there(result) {
                continue;
            }
            if since.elapsed() < self.file_wait {
                self.late.push((index, since));
            } else {
                self.repeat(index, &format!("{} did not appear", result.display()), interrupt)?;
            }
        }
        Ok(())
    }

    fn repeat(&mut self, index: usize, what: &str, interrupt: &Interrupt) -> Result<()> {
        interrupt.check()?;
        let label = &self.commands[index].label;
        self.failures[index] += 1;
        let failures = self.failures[index];
        if failures > self.retries {
            bail!("{label}: {what}, the last of {failures} times; {}", interrupt.remedy());
        }
        diagnostics::say(&format!("{label}: {what}; it is run again"));
        self.waiting.push(index);
        Ok(())
    }
}

/// Returns the job of a command. Paths in it count from the folder of this program.
fn job(command: &ClusterCommand) -> Result<Job> {
    let ClusterCommand { command, log, .. } = command;
    let log = std::path::absolute(log).with_context(|| log.display().to_string())?;
    let here = std::env::current_dir().context("the current folder is not known")?;
    let mut words: Vec<OsString> = IN_FOLDER.map(OsString::from).into();
    words.extend([here.into_os_string(), command.get_program().to_os_string()]);
    words.extend(command.get_args().map(OsString::from));
    Ok(Job { command: words, log })
}

/// Returns whether a file is there. Listing its folder makes a client of a shared folder look for
/// new files.
fn is_there(file: &Path) -> bool {
    let _ = file.parent().map(std::fs::read_dir).map(|listed| listed.map(Iterator::count));
    file.exists()
}
