//! The progress of a search.

use super::quality;
use super::state::SearchState;
use common::diagnostics;
use common::search::board_costs::BoardCosts;
use common::search::config::SearchConfig;
use common::search::criteria::Criteria;
use common::search::evaluation::Evaluation;
use process::progress::Progress;

/// The display of a running search.
#[derive(Debug)]
pub struct ProgressDisplay {
    progress: Progress,
    iterations: usize,
    worst_error: Option<f64>,
    iteration: usize,
    /// Number of evaluations of the whole search, and of those so far.
    planned: usize,
    evaluated: usize,
    /// Size of the archive's front after the last finished iteration.
    front: usize,
    /// [`quality::hypervolume`] of all evaluations up to the last finished iteration.
    hypervolume: Option<f64>,
    /// The highest Score and accuracy of the evaluations in full.
    best_score: Option<f64>,
    best_accuracy: Option<f64>,
}

impl ProgressDisplay {
    /// Shows a search that has not begun.
    pub fn new(config: &SearchConfig) -> ProgressDisplay {
        // There cannot be more evaluations than distinct functions.
        let planned = (config.search.population * config.search.iterations)
            .min(config.space.distinct_functions());
        let iterations = config.search.iterations;
        ProgressDisplay {
            progress: Progress::new(planned as u64),
            iterations,
            worst_error: config.search.worst_error,
            iteration: 0,
            planned,
            evaluated: 0,
            front: 0,
            hypervolume: None,
            best_score: None,
            best_accuracy: None,
        }
    }

    /// Shows that an iteration begins, and its evaluations by an earlier run.
    pub fn iteration_started(&mut self, iteration: usize, recorded: &[Evaluation]) {
        self.iteration = iteration;
        recorded.iter().for_each(|evaluation| self.count(evaluation));
        self.progress.skip(recorded.len() as u64);
        if !recorded.is_empty() {
            self.show(&format!("{} evaluations of an earlier run", recorded.len()));
        }
    }

    /// Shows an evaluation that was made.
    pub fn evaluated(&mut self, evaluation: &Evaluation) {
        self.count(evaluation);
        self.progress.advance(1);
        let result = match (evaluation.accuracy, &evaluation.failure) {
            (Some(accuracy), _) => {
                let stopped =
                    evaluation.stopped_after.map(|epoch| format!(", stopped after epoch {epoch}"));
                format!(
                    "accuracy {accuracy:.4}, {} parameters{}",
                    evaluation.parameters,
                    stopped.unwrap_or_default()
                )
            }
            (None, failure) => {
                format!("failed: {}", failure.as_deref().unwrap_or("no reason known"))
            }
        };
        self.show(&format!("{}: {result}", evaluation.id));
    }

    /// Shows an evaluation that was trained with a second seed.
    pub fn retrained(&mut self, evaluation: &Evaluation) {
        let second = evaluation.second_accuracy.unwrap_or(0.0);
        self.show(&format!("{}: accuracy {second:.4} with a second seed", evaluation.id));
    }

    /// Shows an evaluation that was measured on a board of several; `None` is the only one.
    pub fn measured(&mut self, evaluation: &Evaluation, board: Option<&str>) {
        let BoardCosts { latency_s, energy_j, power_w, .. } = evaluation.costs(board);
        let latency = latency_s.map_or("none".into(), |s| format!("{:.1} us", s * 1e6));
        let energy = energy_j.map_or(String::new(), |j| format!(", energy {:.1} uJ", j * 1e6));
        let power = power_w.map_or(String::new(), |w| format!(", power {w:.2} W"));
        let place = board.map_or(String::new(), |board| format!(" on {board}"));
        self.show(&format!("{}{place}: latency {latency}{energy}{power}", evaluation.id));
    }

    /// Shows that an iteration ended.
    pub fn iteration_finished(&mut self, state: &SearchState) {
        self.front =
            state.archive.individuals.iter().filter(|individual| individual.on_front).count();
        self.hypervolume = quality::hypervolume(&state.evaluations, self.worst_error);
        // Computed again, because second seeds change accuracies.
        (self.best_score, self.best_accuracy) = (None, None);
        state.evaluations.iter().for_each(|evaluation| self.update_best(evaluation));
        self.show(&format!("iteration {} finished", state.archive.iterations));
    }

    /// Shows that the search ended: with all criteria met, with the space exhausted, or after its
    /// last iteration.
    pub fn search_finished(&mut self, state: &SearchState, criteria: &Criteria) {
        if let Some(id) = &state.archive.criteria_met_by {
            diagnostics::say(&format!(
                "{id} meets all criteria after iteration {}",
                state.archive.iterations
            ));
            return;
        }
        if criteria.any() {
            diagnostics::say(
                "no individual meets all criteria; the archive has the best individuals",
            );
        }
        if state.archive.iterations < self.iterations {
            let done = state.archive.iterations;
            diagnostics::say(&format!(
                "the space is exhausted after {done} of {} iterations",
                self.iterations
            ));
        }
    }

    fn count(&mut self, evaluation: &Evaluation) {
        self.evaluated += 1;
        self.update_best(evaluation);
    }

    fn update_best(&mut self, evaluation: &Evaluation) {
        if let Some(score) = evaluation.score() {
            self.best_score = self.best_score.into_iter().chain([score]).reduce(f64::max);
            self.best_accuracy =
                self.best_accuracy.into_iter().chain(evaluation.accuracy).reduce(f64::max);
        }
    }

    fn show(&self, event: &str) {
        let (iteration, status) = (self.iteration_text(), self.status());
        self.progress.tell(&format!("{event} ({iteration}, {status})"));
    }

    fn iteration_text(&self) -> String {
        format!("iteration {}/{}", self.iteration + 1, self.iterations)
    }

    /// Returns the numbers so far.
    fn status(&self) -> String {
        let known = |value: Option<f64>, digits: usize| {
            value.map_or("none".into(), |value| format!("{value:.digits$}"))
        };
        format!(
            "evaluated {}/{}, front {}, hypervolume {}, best Score {}, best accuracy {}",
            self.evaluated,
            self.planned,
            self.front,
            known(self.hypervolume, 4),
            known(self.best_score, 2),
            known(self.best_accuracy, 4)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{config, search};

    #[test]
    fn the_status_has_the_best_of_the_evaluations_in_full() {
        let config = config(4, 2);
        let mut display = ProgressDisplay::new(&config);
        let start = "evaluated 0/8, front 0, hypervolume none, best Score none, best accuracy none";
        assert_eq!(display.status(), start);
        let mut search = search(&config, |_| Ok(0.5));
        let last = search.evaluations.len() - 1;
        search.evaluations.iter_mut().for_each(|evaluation| evaluation.parameters = 40_000);
        search.evaluations[last].accuracy = Some(0.75);
        search.evaluations[last].stopped_after = Some(1);
        display.iteration_started(1, &search.evaluations);
        display.iteration_finished(&search);
        let front =
            search.archive.individuals.iter().filter(|individual| individual.on_front).count();
        let reached = "hypervolume 1.1025, best Score 12.50, best accuracy 0.5000";
        assert_eq!(display.status(), format!("evaluated 8/8, front {front}, {reached}"));
        assert_eq!(display.iteration_text(), "iteration 2/2");
    }
}
