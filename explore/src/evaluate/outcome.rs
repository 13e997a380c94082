//! What a training has reached, by the files that it leaves.

use super::task::{Outcome, Task};
use anyhow::{Result, anyhow};
use common::device::MEMORY_TOO_SMALL;
use common::files::json;
use common::search::genome::Genome;
use common::train_report::TrainReport;
use process::cluster::job::End;
use process::logged::{last_line, log_end};
use std::path::Path;

/// Returns the report that a training of a task has written, which may be that of a part of it.
/// `train.json` is the last file that `train fit` writes.
pub(super) fn report(folder: &Path, task: &Task) -> Option<TrainReport> {
    let folder = folder.join(&task.folder);
    let same =
        json::read::<Genome>(&folder.join("genome.json")).is_ok_and(|genome| genome == task.genome);
    json::read(&folder.join("train.json")).ok().filter(|_| same)
}

/// Returns the outcome of a task whose training in `folder` has ended.
///
/// # Errors
/// Fails if there is none, which is the fault of the machine and not of the network.
pub(super) fn outcome(folder: &Path, task: &Task, end: &End) -> Result<Outcome> {
    let log = format!("see {}/train.log", task.folder);
    // A task may vanish after its last file, but what ends with an error has not reached its end.
    if matches!(end, End::Code(0) | End::Lost(_))
        && let Some(outcome) = report(folder, task).and_then(|report| outcome_of(&report, task))
    {
        return Ok(outcome);
    }
    let ended = match end {
        End::Code(0) => "wrote no valid train.json".to_string(),
        End::Code(code) => match error_of_network(folder, task) {
            Some(error) => {
                return Ok(Err(format!("train fit ended with exit code {code}: {error}; {log}")));
            }
            None => format!("ended with exit code {code}"),
        },
        End::Signal(signal) => format!("was ended by signal {signal}"),
        End::Lost(reason) => return Err(anyhow!("train fit was lost: {reason}; {log}")),
    };
    let said = log_end(&folder.join(&task.folder).join("train.log"));
    Err(anyhow!("train fit {ended}: {said}; {log}"))
}

/// Returns the error that a training ended with if the network is the cause, without paths that
/// depend on the folder of the search.
fn error_of_network(folder: &Path, task: &Task) -> Option<String> {
    let line = last_line(&folder.join(&task.folder).join("train.log"));
    let error = line.strip_prefix("error: ").filter(|error| error.contains(MEMORY_TOO_SMALL))?;
    Some(error.replace(&format!("{}/", folder.display()), ""))
}

/// Returns the outcome of a task that a report contains; `None` if the training has not reached the
/// task's last epoch, or has no accuracy within 0..1.
pub(super) fn outcome_of(report: &TrainReport, task: &Task) -> Option<Outcome> {
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
