//! Trainings by `train fit`, several at a time.
//!
//! Each training has a folder with genome.json, the files of `train fit`, and train.log.

use super::engine::{Engine, Running};
use super::outcome::{self, outcome, outcome_of};
use super::task::{Outcome, Outcomes, Task};
use anyhow::{Context, Error, Result, bail};
use common::device::Device;
use common::diagnostics;
use common::files::temporary::PARTIAL;
use common::files::{atomic, json};
use common::search::genome::Genome;
use common::train_report::TrainReport;
use process::cluster::job::{End, Job};
use process::interrupt::Interrupt;
use process::logged::log_end;
use std::cell::Cell;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Instant;

/// Runs trainings.
#[derive(Debug)]
pub struct Trainer {
    /// The program `train`.
    program: PathBuf,
    dataset: PathBuf,
    profile: PathBuf,
    /// Folder of the search or study, which contains the folders of all tasks.
    folder: PathBuf,
    /// Where trainings run.
    engine: Engine,
    /// Number of times that a training without an outcome is repeated.
    retries: usize,
    /// Device of each training.
    device: Device,
    interrupt: Interrupt,
    /// Number of trainings that have ended, and the sum of their times in seconds.
    times: Cell<(usize, f64)>,
}

impl Trainer {
    /// Creates a trainer that runs the program `train` with a data set, a profile and the folder of
    /// a search or study, at most `retries` times more if a training ends without an outcome.
    /// Trainings compute on the CPU, and are ended when this program is interrupted.
    pub fn new(
        program: PathBuf,
        dataset: PathBuf,
        profile: PathBuf,
        folder: PathBuf,
        (engine, retries): (Engine, usize),
        interrupt: Interrupt,
    ) -> Trainer {
        Trainer {
            program,
            dataset,
            profile,
            folder,
            engine,
            retries,
            device: Device::Cpu,
            interrupt,
            times: Cell::default(),
        }
    }

    /// Returns a trainer whose trainings compute on a device.
    pub fn on(self, device: Device) -> Trainer {
        Trainer { device, ..self }
    }

    /// Returns the outcome of a task if an earlier run trained it far enough, which `train.json`
    /// proves: it is the last file that `train fit` writes.
    pub fn earlier_outcome(&self, task: &Task) -> Option<Outcome> {
        outcome_of(&self.report(task)?, task)
    }

    fn report(&self, task: &Task) -> Option<TrainReport> {
        outcome::report(&self.folder, task)
    }

    /// Runs all trainings and calls `on_outcomes` with the outcomes of those that have ended, each
    /// once. Repeats a training that ends without an outcome.
    ///
    /// # Errors
    /// Fails if a training ends without an outcome too often, if a termination signal has been
    /// received, if a cluster cannot be used, or if `on_outcomes` fails. No training keeps running
    /// after that.
    pub fn train(
        &self,
        tasks: &[Task],
        mut on_outcomes: impl FnMut(Outcomes) -> Result<()>,
    ) -> Result<()> {
        let mut round = Round {
            trainer: self,
            tasks,
            waiting: (0..tasks.len()).collect(),
            failures: vec![0; tasks.len()],
            late: Vec::new(),
        };
        if tasks.is_empty() {
            return Ok(());
        }
        let mut running = self.engine.begin(self.mean_s(), &self.interrupt)?;
        loop {
            self.interrupt.check()?;
            round.start(&mut running)?;
            if running.is_idle() && round.is_over() {
                return Ok(());
            }
            let ended = running.poll(&self.interrupt)?;
            let outcomes = round.outcomes(ended)?;
            if outcomes.is_empty() {
                sleep(running.interval());
            } else {
                on_outcomes(outcomes)?;
            }
        }
    }

    /// Returns the mean time of a training so far, in seconds.
    fn mean_s(&self) -> Option<f64> {
        let (count, sum) = self.times.get();
        (count > 0).then(|| sum / count as f64)
    }

    /// Returns the last lines of a training's log on one line.
    pub fn log_end(&self, task: &Task) -> String {
        log_end(&self.folder.join(&task.folder).join("train.log"))
    }

    /// Prepares the folder of a training, and returns its command.
    fn prepare(&self, task: &Task) -> Result<Job> {
        let folder = self.folder.join(&task.folder);
        let goes_on = self.report(task).is_some_and(|report| report.epochs < task.epochs);
        let genome = folder.join("genome.json");
        if !goes_on {
            // Remove what a killed training has left.
            atomic::remove_dir_all(&folder)?;
            write_genome(&genome, &task.genome)?;
        }
        let mut command: Vec<OsString> = vec![self.program.clone().into(), "fit".into()];
        let mut option = |name: &str, value: OsString| {
            command.extend([OsString::from(format!("--{name}")), value]);
        };
        option("genome", genome.into());
        option("dataset", self.dataset.clone().into());
        option("out", folder.clone().into());
        option("config", self.profile.clone().into());
        option("epochs", task.epochs.to_string().into());
        option("seed", task.seed.to_string().into());
        option("threads", self.engine.threads().to_string().into());
        option("device", self.device.to_string().into());
        if let Some(epoch) = task.stop_after {
            option("stop-after", epoch.to_string().into());
        }
        if let Some(subset) = task.subset {
            option("subset", subset.to_string().into());
        }
        if goes_on {
            command.push("--resume".into());
        }
        Ok(Job { command, log: folder.join("train.log") })
    }
}

/// Writes a genome to a new folder, whole, but without waiting for the disk, which for thousands of
/// trainings takes longer than all else. After a power cut the training is repeated if it is not
/// there.
fn write_genome(path: &Path, genome: &Genome) -> Result<()> {
    let failed = || format!("{}: cannot write the file", path.display());
    let folder = path.parent().with_context(failed)?;
    atomic::create_dir_all(folder)?;
    let partial = folder.join(format!("{PARTIAL}genome"));
    fs::write(&partial, json::to_text(genome)?).with_context(failed)?;
    fs::rename(&partial, path).with_context(failed)
}

/// Trainings on their way to an outcome.
struct Round<'a> {
    trainer: &'a Trainer,
    tasks: &'a [Task],
    /// Indices of tasks that were not started.
    waiting: VecDeque<usize>,
    /// Number of times that each task ended without an outcome.
    failures: Vec<usize>,
    /// Tasks that have ended well and whose files are not there yet, and since when.
    late: Vec<(usize, Instant)>,
}

impl Round<'_> {
    fn is_over(&self) -> bool {
        self.waiting.is_empty() && self.late.is_empty()
    }

    /// Starts as many trainings as there is room for.
    fn start(&mut self, running: &mut Running) -> Result<()> {
        while running.room() > 0 && !self.waiting.is_empty() {
            let count = running.room().min(self.waiting.len());
            let mut jobs = Vec::new();
            let mut failed = Vec::new();
            for index in self.waiting.drain(..count) {
                match self.trainer.prepare(&self.tasks[index]) {
                    Ok(job) => jobs.push((index, job)),
                    Err(error) => failed.push((index, error)),
                }
            }
            failed.extend(running.start(jobs)?);
            failed.into_iter().try_for_each(|(index, error)| self.repeat(index, error))?;
        }
        Ok(())
    }

    /// Returns the outcomes of trainings that have ended. Those without one are repeated.
    fn outcomes(&mut self, ended: Vec<(usize, End)>) -> Result<Outcomes> {
        let now = Instant::now();
        let late = std::mem::take(&mut self.late);
        let late = late.into_iter().map(|(index, since)| (index, End::Code(0), since));
        let ended: Vec<_> =
            ended.into_iter().map(|(index, end)| (index, end, now)).chain(late).collect();
        let mut outcomes = Vec::new();
        for (index, end, since) in ended {
            let Trainer { folder, times, engine, .. } = self.trainer;
            let task = &self.tasks[index];
            match outcome(folder, task, &end) {
                Ok(outcome) => {
                    let (count, sum) = times.get();
                    let wall_s = outcome::report(folder, task).map(|report| report.timing.wall_s);
                    times.set((count + 1, sum + wall_s.unwrap_or_default()));
                    outcomes.push((index, outcome));
                }
                Err(_) if end == End::Code(0) && since.elapsed() < engine.file_wait() => {
                    // Listing a shared folder makes its client look for new files.
                    let _ = fs::read_dir(folder.join(&task.folder)).map(Iterator::count);
                    self.late.push((index, since));
                }
                Err(error) => self.repeat(index, error)?,
            }
        }
        Ok(outcomes)
    }

    /// Puts a training that has ended without an outcome back, before all others.
    ///
    /// # Errors
    /// Fails if it was repeated often enough, or if a termination signal has been received.
    fn repeat(&mut self, index: usize, error: Error) -> Result<()> {
        let Trainer { interrupt, retries, .. } = self.trainer;
        interrupt.check()?;
        let folder = &self.tasks[index].folder;
        self.failures[index] += 1;
        let failures = self.failures[index];
        if failures > *retries {
            let often = times(failures);
            let remedy = interrupt.remedy();
            bail!(
                "{folder}: its training failed {often}, and not because of the network: {error:#}; \
                 {remedy}"
            );
        }
        let repeated = match retries {
            1 => "repeated once".to_string(),
            many => format!("repeated, {failures} of {many} times"),
        };
        diagnostics::say(&format!("{folder}: {error:#}; it is {repeated}"));
        self.waiting.push_front(index);
        Ok(())
    }
}

fn times(count: usize) -> String {
    match count {
        1 => "once".into(),
        2 => "twice".into(),
        many => format!("{many} times"),
    }
}
