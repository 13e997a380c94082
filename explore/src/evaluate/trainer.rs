//! Trainings by `train fit`, several at a time.
//!
//! Each training has a folder with genome.json, the files of `train fit`, and train.log.

use super::task::{Outcome, Task};
use anyhow::{Context, Error, Result, anyhow, bail};
use common::device::{Device, MEMORY_TOO_SMALL};
use common::diagnostics;
use common::files::{atomic, json};
use common::search::genome::Genome;
use common::train_report::TrainReport;
use process::child::Guarded;
use process::interrupt::Interrupt;
use process::logged::{POLL, last_line, log_end};
use std::collections::VecDeque;
use std::fs::File;
use std::num::NonZeroUsize;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::thread::sleep;

/// Runs trainings as child processes.
#[derive(Debug)]
pub struct Trainer {
    /// The program `train`.
    program: PathBuf,
    dataset: PathBuf,
    profile: PathBuf,
    /// Folder of the search or study, which contains the folders of all tasks.
    folder: PathBuf,
    /// Number of trainings at a time.
    workers: usize,
    /// Number of threads of each training.
    threads: usize,
    /// Device of each training.
    device: Device,
    interrupt: Interrupt,
}

impl Trainer {
    /// Creates a trainer that runs the program `train` with a data set, a profile and the folder of
    /// a search or study; at most `workers` at a time, by default one per core. Trainings compute
    /// on the CPU, share its cores, and are ended when this program is interrupted.
    pub fn new(
        program: PathBuf,
        dataset: PathBuf,
        profile: PathBuf,
        folder: PathBuf,
        workers: Option<NonZeroUsize>,
        interrupt: Interrupt,
    ) -> Trainer {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = workers.map_or(cores, usize::from);
        let threads = (cores / workers).max(1);
        Trainer {
            program,
            dataset,
            profile,
            folder,
            workers,
            threads,
            device: Device::Cpu,
            interrupt,
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

    /// Returns the report that an earlier run or partial training of a task has written.
    fn report(&self, task: &Task) -> Option<TrainReport> {
        let folder = self.folder.join(&task.folder);
        let same = json::read::<Genome>(&folder.join("genome.json"))
            .is_ok_and(|genome| genome == task.genome);
        json::read(&folder.join("train.json")).ok().filter(|_| same)
    }

    /// Runs all trainings and calls `on_outcome` with the index and outcome of each one as it ends.
    /// Repeats a training once if it ends without an outcome.
    ///
    /// # Errors
    /// Fails if a training ends without an outcome twice, if a termination signal has been
    /// received, or if `on_outcome` fails. No training keeps running after that.
    pub fn train(
        &self,
        tasks: &[Task],
        mut on_outcome: impl FnMut(usize, Outcome) -> Result<()>,
    ) -> Result<()> {
        let mut waiting: VecDeque<Attempt> =
            (0..tasks.len()).map(|task| Attempt { task, is_first: true }).collect();
        let mut running = Running(Vec::new());
        loop {
            self.interrupt.check()?;
            while running.0.len() < self.workers
                && let Some(attempt) = waiting.pop_front()
            {
                match self.start(&tasks[attempt.task]) {
                    Ok(child) => running.0.push((attempt, child)),
                    Err(error) => {
                        let task = &tasks[attempt.task];
                        waiting.push_front(self.second_attempt(attempt, task, error)?);
                    }
                }
            }
            if running.0.is_empty() {
                return Ok(());
            }
            let ended = running.take_ended()?;
            if ended.is_empty() {
                sleep(POLL);
            }
            for (attempt, status) in ended {
                let task = &tasks[attempt.task];
                self.interrupt.check_status(status)?;
                match self.outcome(task, status) {
                    Ok(outcome) => on_outcome(attempt.task, outcome)?,
                    Err(error) => {
                        waiting.push_front(self.second_attempt(attempt, task, error)?);
                    }
                }
            }
        }
    }

    /// Returns the attempt that follows one without an outcome.
    ///
    /// # Errors
    /// Fails if that was the second attempt, or if a termination signal has been received.
    fn second_attempt(&self, attempt: Attempt, task: &Task, error: Error) -> Result<Attempt> {
        self.interrupt.check()?;
        if !attempt.is_first {
            let remedy = self.interrupt.remedy();
            bail!(
                "{}: its training failed twice, and not because of the network: {error:#}; \
                 {remedy}",
                task.folder
            );
        }
        diagnostics::say(&format!("{}: {error:#}; it is repeated once", task.folder));
        Ok(Attempt { is_first: false, ..attempt })
    }

    /// Returns the last lines of a training's log on one line.
    pub fn log_end(&self, task: &Task) -> String {
        log_end(&self.folder.join(&task.folder).join("train.log"))
    }

    fn start(&self, task: &Task) -> Result<Guarded> {
        let folder = self.folder.join(&task.folder);
        let goes_on = self.report(task).is_some_and(|report| report.epochs < task.epochs);
        if !goes_on {
            // Remove what a killed training has left.
            atomic::remove_dir_all(&folder)?;
        }
        let genome = folder.join("genome.json");
        json::write(&genome, &task.genome)?;
        let log_path = folder.join("train.log");
        let log = File::create(&log_path)
            .with_context(|| format!("{}: cannot write the file", log_path.display()))?;
        let mut command = Command::new(&self.program);
        command
            .arg("fit")
            .arg("--genome")
            .arg(&genome)
            .arg("--dataset")
            .arg(&self.dataset)
            .arg("--out")
            .arg(&folder);
        command.arg("--config").arg(&self.profile).args(["--epochs", &task.epochs.to_string()]);
        command.args(["--seed", &task.seed.to_string(), "--threads", &self.threads.to_string()]);
        command.args(["--device", &self.device.to_string()]);
        if let Some(epoch) = task.stop_after {
            command.args(["--stop-after", &epoch.to_string()]);
        }
        if goes_on {
            command.arg("--resume");
        }
        if let Some(subset) = task.subset {
            command.args(["--subset", &subset.to_string()]);
        }
        command.stdout(Stdio::null()).stderr(log);
        Guarded::start_stage(&mut command)
    }

    /// Returns the outcome of a training that has ended.
    ///
    /// # Errors
    /// Fails if there is none, which is the fault of the machine and not of the network.
    fn outcome(&self, task: &Task, status: ExitStatus) -> Result<Outcome> {
        let log = format!("see {}/train.log", task.folder);
        if status.success()
            && let Some(outcome) = self.earlier_outcome(task)
        {
            return Ok(outcome);
        }
        if let Some(code) = status.code().filter(|code| *code != 0)
            && let Some(error) = self.error_of_network(task)
        {
            return Ok(Err(format!("train fit ended with exit code {code}: {error}; {log}")));
        }
        let ended = match (status.signal(), status.code()) {
            (Some(signal), _) => format!("was ended by signal {signal}"),
            (None, Some(0)) => "wrote no valid train.json".into(),
            (None, code) => format!("ended with exit code {}", code.unwrap_or(-1)),
        };
        Err(anyhow!("train fit {ended}: {}; {log}", self.log_end(task)))
    }

    /// Returns the error that a training ended with if the network is the cause, without paths that
    /// depend on the folder of the search.
    fn error_of_network(&self, task: &Task) -> Option<String> {
        let line = last_line(&self.folder.join(&task.folder).join("train.log"));
        let error =
            line.strip_prefix("error: ").filter(|error| error.contains(MEMORY_TOO_SMALL))?;
        Some(error.replace(&format!("{}/", self.folder.display()), ""))
    }
}

/// Returns the outcome of a task that a report contains; `None` if the training has not reached the
/// task's last epoch, or has no accuracy within 0..1.
fn outcome_of(report: &TrainReport, task: &Task) -> Option<Outcome> {
    if report.diverged {
        return Some(Err("the training diverged: its loss became NaN or infinite".into()));
    }
    let epoch = task.stop_after.unwrap_or(task.epochs);
    if report.epochs < epoch {
        return None;
    }
    let accuracy = match task.stop_after {
        Some(_) => {
            report.curve.iter().find(|e| e.epoch == epoch).and_then(|e| e.validation_accuracy)
        }
        None => report.accuracy.validation,
    };
    accuracy.filter(|accuracy| (0.0..=1.0).contains(accuracy)).map(Ok)
}

/// An attempt at the training of a task.
#[derive(Clone, Copy, PartialEq)]
struct Attempt {
    /// Index of the task.
    task: usize,
    is_first: bool,
}

/// Running trainings; all are ended when this is dropped.
struct Running(Vec<(Attempt, Guarded)>);

impl Running {
    fn take_ended(&mut self) -> Result<Vec<(Attempt, ExitStatus)>> {
        let mut ended = Vec::new();
        for (attempt, child) in &mut self.0 {
            if let Some(status) = child.ended()? {
                ended.push((*attempt, status));
            }
        }
        self.0.retain(|(attempt, _)| ended.iter().all(|(other, _)| other != attempt));
        Ok(ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::search::genome::Optimizer;
    use common::train_report::{Epoch, SplitAccuracy, Timing};

    fn report(validation: Option<f64>, diverged: bool) -> TrainReport {
        TrainReport {
            seed: 0,
            epochs: 1,
            images: 1,
            optimizer: Optimizer::Sgd,
            parameters: 1,
            macs: 1,
            accuracy: SplitAccuracy { train: 0.5, validation },
            chosen_with_validation_accuracy: None,
            diverged,
            curve: vec![],
            data_sha256: String::new(),
            weights_sha256: String::new(),
            timing: Timing {
                wall_s: 1.0,
                cpu_s: 1.0,
                images_per_s: 1.0,
                threads: 1,
                device: "cpu".into(),
                peak_rss_bytes: Some(1),
                peak_rss_reason: None,
                program: None,
            },
        }
    }

    fn task(stop_after: Option<usize>, epochs: usize) -> Task {
        let genome = common::search::space::SearchSpace::default()
            .genome(&[0; common::search::space::GENES]);
        Task { folder: String::new(), genome, seed: 0, epochs, stop_after, subset: None }
    }

    #[test]
    fn a_report_without_a_usable_accuracy_has_no_outcome() {
        let outcome =
            |validation, diverged| outcome_of(&report(validation, diverged), &task(None, 1));
        assert_eq!(outcome(Some(0.75), false), Some(Ok(0.75)));
        assert!(outcome(Some(0.1), true).unwrap().unwrap_err().contains("diverged"));
        assert_eq!((outcome(None, false), outcome(Some(1.5), false)), (None, None));
    }

    #[test]
    fn a_partial_training_takes_the_accuracy_of_its_epoch_however_far_it_was_continued() {
        let epoch = |epoch, accuracy| Epoch {
            epoch,
            learning_rate: 0.1,
            loss: 1.0,
            train_accuracy: 0.5,
            validation_accuracy: accuracy,
        };
        let mut report = report(Some(0.7), false);
        report.curve = vec![epoch(1, None), epoch(2, Some(0.6)), epoch(3, Some(0.7))];
        report.epochs = 3;
        assert_eq!(outcome_of(&report, &task(Some(2), 5)), Some(Ok(0.6)));
        assert_eq!(outcome_of(&report, &task(Some(3), 5)), Some(Ok(0.7)));
        assert_eq!(outcome_of(&report, &task(Some(4), 5)), None);
        assert_eq!(outcome_of(&report, &task(None, 5)), None);
        assert_eq!(outcome_of(&report, &task(None, 3)), Some(Ok(0.7)));
    }
}
