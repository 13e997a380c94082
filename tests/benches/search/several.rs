//! The comparison with three objectives: error, parameters and multiply-adds.

use crate::report::quartiles;
use anyhow::{Context, Result};
use common::profile::{SearchSettings, Strategy, Surrogate};
use common::search::accuracy_table::AccuracyTable;
use common::search::config::SearchConfig;
use common::search::evaluation::Evaluation;
use common::search::hypervolume::Scale;
use common::search::objective::{Objective, Quantity};
use common::search::region::worst_error;
use explore::evaluate::table::TableEvaluator;
use explore::search::replay::replay;
use std::fmt::Write;

/// Number of seeds of each kind of search.
const SEEDS: u64 = 10;
/// Epochs after which the share of the hypervolume is reported.
const MARKS: [usize; 5] = [320, 640, 960, 1280, 2560];

/// Name, strategy, surrogate and size of a population of each kind of search.
const KINDS: [(&str, Strategy, Option<Surrogate>, usize); 5] = [
    ("random", Strategy::Random, None, 32),
    ("SPEA-II", Strategy::Spea2, None, 32),
    ("SPEA-II, populations of 8", Strategy::Spea2, None, 8),
    ("SPEA-II + forest", Strategy::Spea2, Some(Surrogate::Forest), 32),
    ("SPEA-II + Gaussian, populations of 8", Strategy::Spea2, Some(Surrogate::Gaussian), 8),
];

/// Returns two Markdown tables: over all errors, and up to the worst error of interest.
///
/// # Errors
/// Fails if the table is empty, or if a search fails.
pub(crate) fn table(table: &AccuracyTable, search: &SearchSettings) -> Result<String> {
    let objectives =
        [Quantity::Error, Quantity::Params, Quantity::Macs].map(Objective::of).to_vec();
    let search = SearchSettings { objectives, ..search.clone() };
    let first = table.rows.iter().filter(|row| row.seed == 0);
    let points: Vec<[f64; 3]> = first
        .map(|row| {
            let accuracy = row.accuracy.get(table.epochs - 1).copied().unwrap_or(0.0);
            [1.0 - accuracy, row.parameters as f64, row.macs as f64]
        })
        .collect();
    let least = points.iter().map(|[error, ..]| *error).fold(1.0, f64::min);
    let all = Scale::of(points.iter().copied()).context("the table is empty")?;
    let region = all.up_to(worst_error(least)).context("all errors are equal")?;
    let mut found = Vec::new();
    for (name, strategy, surrogate, population) in KINDS {
        let iterations = search.population * search.iterations / population;
        let search =
            SearchSettings { strategy, surrogate, population, iterations, ..search.clone() };
        let evaluations = |seed| {
            replay(&TableEvaluator::new(table), &SearchConfig::from_table(table, &search, seed))
        };
        let searches = (0..SEEDS).map(|seed| Ok(evaluations(seed)?.evaluations));
        found.push((name, searches.collect::<Result<Vec<_>>>()?));
    }
    let [all, region] = [all, region].map(|scale| rows(&found, scale, &points, table.epochs));
    Ok(format!(
        "Error, parameters and multiply-adds, over all errors:\n\n{}\n\nInside the region of \
         interest:\n\n{}\n\nMedians over {SEEDS} seeds, with the lower and the upper quartile.",
        all?, region?
    ))
}

fn rows(
    found: &[(&str, Vec<Vec<Evaluation>>)],
    scale: Scale<3>,
    points: &[[f64; 3]],
    epochs: usize,
) -> Result<String> {
    let best = scale.hypervolume(points.iter().copied());
    let mut text = String::from("| epochs |");
    MARKS.iter().try_for_each(|mark| write!(text, " {mark} |"))?;
    write!(text, "\n|---|{}", "---|".repeat(MARKS.len()))?;
    for (name, searches) in found {
        write!(text, "\n| {name} |")?;
        for mark in MARKS {
            let share = |evaluations: &Vec<Evaluation>| {
                let evaluated = evaluations.iter().take(mark / epochs);
                let points =
                    evaluated.map(|e| [e.objectives()[0], e.objectives()[1], e.macs as f64]);
                scale.hypervolume(points) / best
            };
            let [low, middle, high] = quartiles(searches.iter().map(share).collect());
            write!(text, " {middle:.4} ({low:.3} to {high:.3}) |")?;
        }
    }
    Ok(text)
}
