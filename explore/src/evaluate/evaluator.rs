//! The two sources of outcomes: trainings made now, and a table of trainings made beforehand.

use super::table::TableEvaluator;
use super::task::{Outcome, Outcomes, Task};
use super::trainer::Trainer;
use anyhow::Result;

/// A source of outcomes.
#[derive(Debug)]
pub enum Evaluator {
    /// Runs trainings.
    Train(Box<Trainer>),
    /// Looks trainings up that were made beforehand.
    Table(TableEvaluator),
}

impl Evaluator {
    /// Returns the outcome of a task if an earlier run trained it far enough.
    pub fn earlier_outcome(&self, task: &Task) -> Option<Outcome> {
        match self {
            Evaluator::Train(trainer) => trainer.earlier_outcome(task),
            Evaluator::Table(_) => None,
        }
    }

    /// Evaluates all tasks and calls `on_outcomes` with the outcomes, each once, as they arrive.
    ///
    /// # Errors
    /// Fails if [`Trainer::train`] or `on_outcomes` does.
    pub fn evaluate(
        &self,
        tasks: &[Task],
        mut on_outcomes: impl FnMut(Outcomes) -> Result<()>,
    ) -> Result<()> {
        match self {
            Evaluator::Train(trainer) => trainer.train(tasks, on_outcomes),
            Evaluator::Table(table) => {
                let outcomes = tasks.iter().map(|task| table.outcome(task));
                on_outcomes(outcomes.enumerate().collect())
            }
        }
    }

    /// Returns the last lines of a training's log on one line; empty for a table.
    pub fn log_end(&self, task: &Task) -> String {
        match self {
            Evaluator::Train(trainer) => trainer.log_end(task),
            Evaluator::Table(_) => String::new(),
        }
    }
}
