//! What the search of a run found.

use crate::report::run_folder::Run;
use anyhow::{Result, bail, ensure};
use common::search::config::SearchConfig;
use common::search::evaluation::Evaluation;
use common::search::hypervolume::Scale;
use common::search::region::worst_error;

/// A run beside others.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    /// Name of its folder, with a number if another run has the same.
    pub(crate) name: String,
    pub(crate) run: &'a Run,
    pub(crate) search: &'a SearchConfig,
    /// Candidates whose training was completed.
    pub(crate) completed: Vec<&'a Evaluation>,
    /// Those of them that none of them dominates by error and parameters, the smallest first.
    pub(crate) front: Vec<&'a Evaluation>,
    /// Hypervolume of the front, scaled by the ranges of all completed candidates of all runs;
    /// `None` if it has none.
    pub(crate) hypervolume: Option<f64>,
}

impl<'a> Found<'a> {
    /// Collects what the runs found.
    ///
    /// # Errors
    /// Fails if a run has no search, or if two searches are on different data.
    pub(crate) fn of_all(runs: &'a [Run]) -> Result<Vec<Found<'a>>> {
        let mut all: Vec<Found<'a>> = vec![];
        for run in runs {
            let Some(search) = &run.search else {
                bail!(
                    "{}: there is no explore/search.json, so it is not known what data the run is on; leave it out",
                    run.name
                );
            };
            if let Some(first) = all.first() {
                check_data(first, run, search)?;
            }
            let same = all.iter().filter(|other| other.run.name == run.name).count();
            let number = if same > 0 { format!(" ({})", same + 1) } else { String::new() };
            let completed: Vec<&Evaluation> =
                run.evaluations.iter().filter(|e| e.is_fully_trained()).collect();
            let front = front(&completed);
            let name = format!("{}{number}", run.name);
            all.push(Found { name, run, search, completed, front, hypervolume: None });
        }
        let scale = scale(&all);
        for found in &mut all {
            let front = found.front.iter().map(|evaluation| evaluation.objectives());
            let scale = scale.filter(|_| !found.completed.is_empty());
            let hypervolume = scale.map(|scale| scale.hypervolume(front));
            found.hypervolume = hypervolume;
        }
        Ok(all)
    }

    /// Returns the most accurate candidate with at most so many parameters.
    pub(crate) fn best_within(&self, parameters: u64) -> Option<&'a Evaluation> {
        // The front's error falls with the parameters.
        self.front.iter().copied().rev().find(|evaluation| evaluation.parameters <= parameters)
    }

    /// Returns the smallest candidate with at least this validation accuracy.
    pub(crate) fn smallest_with(&self, accuracy: f64) -> Option<&'a Evaluation> {
        self.front.iter().copied().find(|e| e.accuracy.is_some_and(|found| found >= accuracy))
    }
}

/// Returns the scale of all completed candidates, up to the worst error of interest.
fn scale(all: &[Found<'_>]) -> Option<Scale> {
    let points = || all.iter().flat_map(|found| &found.completed).map(|e| e.objectives());
    let least = points().map(|[error, _]| error).reduce(f64::min)?;
    Scale::of(points())?.up_to(worst_error(least))
}

fn check_data(first: &Found<'_>, run: &Run, search: &SearchConfig) -> Result<()> {
    let data = |name: &str, search: &SearchConfig| {
        let hash: String = search.data_sha256.chars().take(8).collect();
        format!("{name} is on {} (SHA-256 {hash})", search.dataset)
    };
    ensure!(
        search.data_sha256 == first.search.data_sha256,
        "{}, but {}: accuracies on different data cannot be compared; give runs on the same data",
        data(&first.name, first.search),
        data(&run.name, search)
    );
    Ok(())
}

/// Returns what nothing dominates, the smallest network first and each with a lower error than the
/// one before.
fn front<'a>(completed: &[&'a Evaluation]) -> Vec<&'a Evaluation> {
    let mut sorted = completed.to_vec();
    sorted.sort_by(|a, b| {
        let ([error, parameters], [other_error, other_parameters]) =
            (a.objectives(), b.objectives());
        parameters.total_cmp(&other_parameters).then(error.total_cmp(&other_error))
    });
    let mut lowest = f64::INFINITY;
    sorted.retain(|evaluation| {
        let [error, _] = evaluation.objectives();
        let better = error < lowest;
        lowest = lowest.min(error);
        better
    });
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::paper::example::evaluation;

    #[test]
    fn the_front_is_what_nothing_dominates() {
        let all = [
            evaluation(0, 0, 1000, 0.8),
            evaluation(0, 1, 100, 0.5),
            evaluation(0, 2, 500, 0.8),
            evaluation(0, 3, 200, 0.4),
            evaluation(0, 4, 100, 0.3),
            evaluation(0, 5, 5000, 0.9),
        ];
        let found = front(&all.iter().collect::<Vec<_>>());
        let ids: Vec<&str> = found.iter().map(|evaluation| evaluation.id.as_str()).collect();
        assert_eq!(ids, ["i00-01", "i00-02", "i00-05"]);
        assert!(front(&[]).is_empty());
    }
}
