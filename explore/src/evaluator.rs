//! How a genome gets its numbers: `train fit` is run for it, several at a time.
//!
//! Each training has a folder with its genome.json, what `train fit` writes, and train.log.

use crate::table::Table;
use anyhow::{Context, Result};
use common::device::Device;
use common::genome::Genome;
use common::json;
use common::train_report::TrainReport;
use stages::programs::{Guarded, Interrupt, POLL, last_line, log_end};
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::thread::sleep;

/// A validation accuracy (0..1), or why there is none, in words that are the same in every run.
pub type Outcome = std::result::Result<f64, String>;

/// A training to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Its folder, below that of the trainer.
    pub folder: String,
    /// What is trained.
    pub genome: Genome,
    /// Seed of the training.
    pub seed: u64,
    /// Epochs.
    pub epochs: usize,
    /// The epoch after which the training is left, to go on later; `None` for the last.
    pub stop_after: Option<usize>,
    /// Training images; `None` leaves it to the profile.
    pub subset: Option<usize>,
}

/// What gives genomes their numbers.
#[derive(Debug)]
pub enum Evaluator {
    /// Trainings, made now.
    Train(Trainer),
    /// Trainings that were made beforehand.
    Table(Table),
}

impl Evaluator {
    /// The outcome of a task that an earlier run trained far enough.
    pub fn earlier_outcome(&self, task: &Task) -> Option<Outcome> {
        match self {
            Evaluator::Train(trainer) => trainer.earlier_outcome(task),
            Evaluator::Table(_) => None,
        }
    }

    /// Evaluates all tasks; `finished` gets each one's position and outcome.
    ///
    /// # Errors
    /// Those of [`Trainer::train`] and of `finished`.
    pub fn evaluate(&self, tasks: &[Task], mut finished: impl FnMut(usize, Outcome) -> Result<()>) -> Result<()> {
        match self {
            Evaluator::Train(trainer) => trainer.train(tasks, finished),
            Evaluator::Table(table) => {
                tasks.iter().enumerate().try_for_each(|(position, task)| finished(position, table.outcome(task)))
            }
        }
    }

    /// The end of what a task's training said, on one line; empty where there was none.
    pub fn log_end(&self, task: &Task) -> String {
        match self {
            Evaluator::Train(trainer) => trainer.log_end(task),
            Evaluator::Table(_) => String::new(),
        }
    }
}

/// Runs `train fit`.
#[derive(Debug)]
pub struct Trainer {
    /// The program `train`.
    program: PathBuf,
    dataset: PathBuf,
    profile: PathBuf,
    /// Folder of the search or study.
    folder: PathBuf,
    /// Trainings at a time.
    workers: usize,
    /// Threads of each training.
    threads: usize,
    /// What it computes on.
    device: Device,
    interrupt: Interrupt,
}

impl Trainer {
    /// A trainer that runs `program`, so many times at once, with a data set, a profile and the folder of a search or
    /// study. Its trainings compute on the processor and share its cores; they end with this program on an interrupt.
    pub fn new(
        program: PathBuf,
        dataset: PathBuf,
        profile: PathBuf,
        folder: PathBuf,
        workers: usize,
        interrupt: Interrupt,
    ) -> Trainer {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = (cores / workers).max(1);
        Trainer { program, dataset, profile, folder, workers, threads, device: Device::Cpu, interrupt }
    }

    /// The same with trainings that compute on a device.
    pub fn on(self, device: Device) -> Trainer {
        Trainer { device, ..self }
    }

    /// The outcome of a task that an earlier run trained far enough: `train.json` is the last file that `train fit`
    /// writes.
    pub fn earlier_outcome(&self, task: &Task) -> Option<Outcome> {
        outcome_of(&self.report(task)?, task)
    }

    /// What an earlier run or leg left of a task's training.
    fn report(&self, task: &Task) -> Option<TrainReport> {
        let folder = self.folder.join(&task.folder);
        let same = json::read::<Genome>(&folder.join("genome.json")).is_ok_and(|genome| genome == task.genome);
        json::read(&folder.join("train.json")).ok().filter(|_| same)
    }

    /// Makes all trainings; `finished` gets each one's position and outcome as it ends.
    ///
    /// # Errors
    /// `train` cannot be started, a signal ends the run, or `finished` fails. No training runs on after that.
    pub fn train(&self, tasks: &[Task], mut finished: impl FnMut(usize, Outcome) -> Result<()>) -> Result<()> {
        let mut waiting = tasks.iter().enumerate();
        let mut running = Running(Vec::new());
        loop {
            self.interrupt.check()?;
            while running.0.len() < self.workers
                && let Some((position, task)) = waiting.next()
            {
                running.0.push((position, self.start(task)?));
            }
            if running.0.is_empty() {
                return Ok(());
            }
            let ended = running.take_ended()?;
            if ended.is_empty() {
                sleep(POLL);
            }
            for (position, status) in ended {
                finished(position, self.outcome(&tasks[position], status)?)?;
            }
        }
    }

    /// The last lines of a training's log, on one line.
    pub fn log_end(&self, task: &Task) -> String {
        log_end(&self.folder.join(&task.folder).join("train.log"))
    }

    fn start(&self, task: &Task) -> Result<Guarded> {
        let folder = self.folder.join(&task.folder);
        let goes_on = self.report(task).is_some_and(|report| report.epochs < task.epochs);
        if !goes_on {
            // What a killed training left goes. Where this fails, a training that outlived a killed search is still
            // ending; the files that it writes are the same as those of the new one.
            let _ = std::fs::remove_dir_all(&folder);
        }
        let genome = folder.join("genome.json");
        json::write(&genome, &task.genome)?;
        let log_path = folder.join("train.log");
        let log = File::create(&log_path).with_context(|| format!("{}: cannot write the file", log_path.display()))?;
        let mut command = Command::new(&self.program);
        command.arg("fit").arg("--genome").arg(&genome).arg("--dataset").arg(&self.dataset).arg("--out").arg(&folder);
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
        Guarded::start(command)
    }

    /// The error that a training ended with, with nothing in it that depends on where the search lies.
    fn error(&self, task: &Task) -> Option<String> {
        let line = last_line(&self.folder.join(&task.folder).join("train.log"));
        let error = line.strip_prefix("error: ")?;
        Some(error.replace(&format!("{}/", self.folder.display()), ""))
    }

    fn outcome(&self, task: &Task, status: ExitStatus) -> Result<Outcome> {
        let log = format!("see {}/train.log", task.folder);
        self.interrupt.check_status(status)?;
        if let Some(signal) = status.signal() {
            return Ok(Err(format!("train fit was ended by signal {signal}; {log}")));
        }
        if !status.success() {
            let code = status.code().unwrap_or(-1);
            return Ok(Err(match self.error(task) {
                Some(error) => format!("train fit ended with exit code {code}: {error}; {log}"),
                None => format!("train fit ended with exit code {code}; {log}"),
            }));
        }
        let outcome = self.earlier_outcome(task);
        Ok(outcome.unwrap_or_else(|| Err(format!("train fit wrote no valid train.json; {log}"))))
    }
}

/// What a report says of a task; `None` where the training did not come as far.
fn outcome_of(report: &TrainReport, task: &Task) -> Option<Outcome> {
    if report.diverged {
        return Some(Err("the training diverged: its loss became NaN or infinite".into()));
    }
    let epoch = task.stop_after.unwrap_or(task.epochs);
    if report.epochs < epoch {
        return None;
    }
    let accuracy = match task.stop_after {
        Some(_) => report.curve.iter().find(|e| e.epoch == epoch).and_then(|e| e.validation_accuracy),
        None => report.accuracy.validation,
    };
    Some(match accuracy {
        Some(accuracy) if (0.0..=1.0).contains(&accuracy) => Ok(accuracy),
        Some(accuracy) => Err(format!("train.json has a validation accuracy of {accuracy}, which is not in 0..1")),
        None => Err("train.json has no validation accuracy".into()),
    })
}

/// Trainings under way, by their tasks' positions; none outlives this.
struct Running(Vec<(usize, Guarded)>);

impl Running {
    fn take_ended(&mut self) -> Result<Vec<(usize, ExitStatus)>> {
        let mut ended = Vec::new();
        for (position, child) in &mut self.0 {
            if let Some(status) = child.ended()? {
                ended.push((*position, status));
            }
        }
        self.0.retain(|(position, _)| ended.iter().all(|(other, _)| other != position));
        Ok(ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::genome::Optimizer;
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
            },
        }
    }

    fn task(stop_after: Option<usize>, epochs: usize) -> Task {
        let genome = common::space::SearchSpace::default().genome(&[0; common::space::GENES]);
        Task { folder: String::new(), genome, seed: 0, epochs, stop_after, subset: None }
    }

    #[test]
    fn a_report_without_a_usable_accuracy_is_a_failure() {
        let outcome = |validation, diverged| outcome_of(&report(validation, diverged), &task(None, 1)).unwrap();
        assert_eq!(outcome(Some(0.75), false), Ok(0.75));
        assert!(outcome(Some(0.1), true).unwrap_err().contains("diverged"));
        assert!(outcome(None, false).unwrap_err().contains("no validation accuracy"));
        assert!(outcome(Some(1.5), false).unwrap_err().contains("1.5"));
    }

    #[test]
    fn a_leg_takes_the_accuracy_of_its_epoch_however_far_the_training_came() {
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
