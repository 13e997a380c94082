//! The tables of what several runs found.

use super::found::Found;
use crate::report::table::{Entry, Table, entry};
use crate::report::units::{count, percent};
use common::search::evaluation::Evaluation;

/// Reason why a run has no number.
const NOTHING: &str = "no training was completed";
/// Rows of the table of sizes.
const MOST_SIZES: usize = 12;

/// Returns a table with a row for each run.
pub(crate) fn overview(runs: &[Found<'_>]) -> Table {
    let mut table = Table::new([
        ("run", false),
        ("seed", true),
        ("iterations", true),
        ("epochs of a candidate", true),
        ("candidates", true),
        ("completed", true),
        ("on the front", true),
        ("hypervolume", true),
        ("best validation accuracy", true),
        ("best Score", true),
    ]);
    for found in runs {
        let search = &found.search.search;
        let done = found.run.archive.as_ref().map_or(0, |archive| archive.iterations);
        let most = |of: fn(&Evaluation) -> Option<f64>| {
            found.completed.iter().filter_map(|evaluation| of(evaluation)).reduce(f64::max)
        };
        table.push(vec![
            Ok(found.name.clone()),
            Ok(found.search.seed.to_string()),
            Ok(format!("{done} of {}", search.iterations)),
            Ok(search.epochs.to_string()),
            Ok(count(found.run.evaluations.len() as u64)),
            Ok(count(found.completed.len() as u64)),
            Ok(found.front.len().to_string()),
            entry(found.hypervolume, NOTHING, |volume| format!("{volume:.4}")),
            entry(most(|evaluation| evaluation.accuracy), NOTHING, percent),
            entry(most(Evaluation::score), NOTHING, |score| format!("{score:.2}")),
        ]);
    }
    table
}

/// Returns a table of the best validation accuracy among networks of at most some sizes: a row for
/// each size, a column for each run.
pub(crate) fn best_within_sizes(runs: &[Found<'_>]) -> Table {
    let mut titles = vec![("at most", true)];
    titles.extend(runs.iter().map(|found| (found.name.as_str(), true)));
    let mut table = Table::new(titles);
    for size in sizes(runs) {
        let mut row = vec![Ok(format!("{} parameters", count(size)))];
        row.extend(runs.iter().map(|found| best(found, size)));
        table.push(row);
    }
    table
}

fn best(found: &Found<'_>, size: u64) -> Entry {
    entry(found.best_within(size), "the run has no network of this size", |evaluation| {
        let accuracy = evaluation.accuracy.map_or_else(String::new, percent);
        format!("{accuracy} ({}, {})", evaluation.id, count(evaluation.parameters))
    })
}

/// Returns 1, 2 and 5 times powers of ten, from the first that holds a network of a front to the
/// first that holds all of them.
fn sizes(runs: &[Found<'_>]) -> Vec<u64> {
    let parameters = || runs.iter().flat_map(|found| &found.front).map(|e| e.parameters);
    let (Some(smallest), Some(largest)) = (parameters().min(), parameters().max()) else {
        return vec![];
    };
    let all = (0..18).flat_map(|power| [1, 2, 5].map(|digit| digit * 10u64.pow(power)));
    let mut sizes: Vec<u64> = vec![];
    for size in all.filter(|size| *size >= smallest) {
        sizes.push(size);
        if size >= largest || sizes.len() == MOST_SIZES {
            break;
        }
    }
    sizes
}

/// Returns a table of the smallest network of each run whose validation accuracy is within one point
/// of the best of all runs.
pub(crate) fn smallest_within_a_point(runs: &[Found<'_>]) -> Table {
    let mut table = Table::new([
        ("run", false),
        ("individual", false),
        ("genome", false),
        ("validation accuracy", true),
        ("parameters", true),
    ]);
    let all = runs.iter().flat_map(|found| &found.front).filter_map(|e| e.accuracy);
    let Some(best) = all.reduce(f64::max) else { return table };
    // Differences of 0.01 are exact only up to rounding.
    let least = best - 0.01 - 1e-12;
    let reason = format!("the run has no network with at least {}", percent(best - 0.01));
    for found in runs {
        let smallest = found.smallest_with(least);
        let of = |show: fn(&Evaluation) -> String| entry(smallest, reason.clone(), show);
        table.push(vec![
            Ok(found.name.clone()),
            of(|evaluation| evaluation.id.clone()),
            of(|evaluation| evaluation.genome.to_string()),
            of(|evaluation| evaluation.accuracy.map_or_else(String::new, percent)),
            of(|evaluation| count(evaluation.parameters)),
        ]);
    }
    table
}
