//! What a scheduler is asked for: three functions, of which Slurm's are in `slurm`.

use anyhow::Result;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

/// A scheduler. An array of tasks is known by a mark that no other array has, so that one whose
/// submission was not answered can be found.
pub trait Scheduler {
    /// Asks for tasks that each run `sh run.sh TASK` in the folder of the array, once: as many of
    /// the first ones as there is room for.
    ///
    /// # Errors
    /// Fails if the scheduler refuses the tasks whenever they are asked for.
    fn submit(&mut self, array: &Array<'_>) -> Result<Answer>;

    /// Returns the tasks of the arrays with these marks.
    ///
    /// # Errors
    /// Fails if the scheduler does not answer, which says nothing about the tasks.
    fn poll(&mut self, marks: &[String]) -> Result<Queue>;

    /// Ends all tasks of the arrays with these marks. Those that the scheduler does not know have
    /// ended.
    ///
    /// # Errors
    /// Fails if the scheduler does not answer.
    fn cancel(&mut self, marks: &[String]) -> Result<()>;
}

/// Tasks of a batch that are asked for together.
#[derive(Clone, Debug)]
pub struct Array<'a> {
    /// The mark.
    pub mark: &'a str,
    /// Folder of the batch, with `run.sh`.
    pub folder: &'a Path,
    /// Numbers of the tasks in the batch.
    pub tasks: Range<usize>,
}

/// The answer to a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The scheduler has taken tasks.
    Accepted {
        /// Name of the job, for people.
        job: String,
        /// Number of tasks, from the first one on; at least 1.
        tasks: usize,
    },
    /// There is no room at present: a limit on the number of tasks is reached.
    Full(String),
    /// It is not known whether this number of tasks was accepted.
    Unanswered {
        /// Number of tasks that were asked for.
        tasks: usize,
        /// What the scheduler's program said.
        reason: String,
    },
}

/// What a scheduler knows of some arrays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// Arrays by their marks. One that is not there was never accepted, or ended some time ago.
    pub arrays: BTreeMap<String, QueuedArray>,
}

/// What a scheduler knows of an array.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueuedArray {
    /// Name of the job, for people.
    pub job: String,
    /// Tasks that wait or run, by their position in the array.
    pub live: Vec<Range<usize>>,
    /// States of tasks that have ended, as far as they are known, by position.
    pub ended: BTreeMap<usize, String>,
    /// The reason why tasks wait.
    pub waits_for: Option<String>,
}

impl QueuedArray {
    /// Returns whether a task, by its position in the array, waits or runs.
    pub(super) fn is_live(&self, position: usize) -> bool {
        self.live.iter().any(|range| range.contains(&position))
    }
}
