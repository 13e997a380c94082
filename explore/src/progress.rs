//! Progress on stderr: a bar on a terminal, otherwise a line for each evaluation.

use crate::controller::Search;
use common::search_files::{Evaluation, SearchConfig};
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use std::io::Write;
use std::time::{Duration, Instant};

/// What is shown of a search under way.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    iterations: usize,
    iteration: usize,
    /// Evaluations planned in all, and had so far.
    planned: usize,
    evaluated: usize,
    /// Of those, trained by this run, since when.
    trained: u32,
    started: Instant,
    front: usize,
    best: Option<f64>,
}

impl Progress {
    /// Shows a search that has not begun.
    pub fn new(config: &SearchConfig) -> Progress {
        // More than the distinct functions there cannot be.
        let planned = (config.search.population * config.search.iterations).min(config.space.distinct_functions());
        let bar = ProgressBar::new(planned as u64);
        let style = ProgressStyle::with_template("{elapsed_precise} [{wide_bar}]\n{wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
        bar.enable_steady_tick(Duration::from_secs(1));
        let iterations = config.search.iterations;
        Progress {
            bar,
            iterations,
            iteration: 0,
            planned,
            evaluated: 0,
            trained: 0,
            started: Instant::now(),
            front: 0,
            best: None,
        }
    }

    /// An iteration begins, of whose evaluations some were made by an earlier run.
    pub fn iteration(&mut self, iteration: usize, recorded: &[Evaluation]) {
        self.iteration = iteration;
        recorded.iter().for_each(|evaluation| self.count(evaluation));
        if !recorded.is_empty() {
            self.show(&format!("{} evaluations of an earlier run", recorded.len()));
        }
    }

    /// An evaluation was made.
    pub fn evaluated(&mut self, evaluation: &Evaluation) {
        self.trained += 1;
        self.count(evaluation);
        let result = match (evaluation.accuracy, &evaluation.failure) {
            (Some(accuracy), _) => format!("accuracy {accuracy:.4}, {} parameters", evaluation.parameters),
            (None, failure) => format!("failed: {}", failure.as_deref().unwrap_or("no reason known")),
        };
        let event = format!("{}: {result}", evaluation.id);
        self.show(&event);
        if evaluation.failure.is_some() {
            // A hidden bar prints nothing here.
            self.bar.println(event);
        }
    }

    /// An iteration ended.
    pub fn finished(&mut self, search: &Search) {
        self.front = search.archive.individuals.iter().filter(|individual| individual.on_front).count();
        self.show(&format!("iteration {} finished", search.archive.iterations));
    }

    /// The search ended, here before its planned iterations where the space was used up.
    pub fn end(&mut self, search: &Search) {
        self.bar.finish_and_clear();
        if search.archive.iterations < self.iterations {
            let done = search.archive.iterations;
            say(&format!("nothing unseen is left after {done} of {} iterations", self.iterations));
        }
    }

    fn count(&mut self, evaluation: &Evaluation) {
        self.evaluated += 1;
        self.best = self.best.into_iter().chain(evaluation.accuracy).reduce(f64::max);
    }

    fn show(&self, event: &str) {
        let status = self.status();
        if self.bar.is_hidden() {
            say(&format!("{event} ({status})"));
        } else {
            self.bar.set_position(self.evaluated as u64);
            self.bar.set_message(status);
        }
    }

    fn status(&self) -> String {
        let best = self.best.map_or("none".to_string(), |accuracy| format!("{accuracy:.4}"));
        let left = self.planned.saturating_sub(self.evaluated) as f64;
        format!(
            "iteration {}/{}, evaluated {}/{}, front {}, best accuracy {best}, {}",
            self.iteration + 1,
            self.iterations,
            self.evaluated,
            self.planned,
            self.front,
            time_left(self.started.elapsed(), f64::from(self.trained), left)
        )
    }
}

/// In words, the time that the rest of some work takes at the speed so far.
pub(crate) fn time_left(elapsed: Duration, done: f64, left: f64) -> String {
    let left = remaining(elapsed, done, left);
    left.map_or("time left unknown".to_string(), |left| format!("{} left", HumanDuration(left)))
}

fn remaining(elapsed: Duration, done: f64, left: f64) -> Option<Duration> {
    (done > 0.0).then(|| elapsed.mul_f64(left.max(0.0) / done))
}

/// One line on stderr. If that is closed, nobody reads, and the search goes on.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remaining_time_is_that_of_the_trainings_so_far() {
        assert_eq!(remaining(Duration::from_secs(30), 3.0, 5.0), Some(Duration::from_secs(50)));
        assert_eq!(remaining(Duration::from_secs(30), 3.0, 0.0), Some(Duration::ZERO));
        assert_eq!(remaining(Duration::from_secs(1), 0.0, 5.0), None);
    }
}
