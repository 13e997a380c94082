//! The tables of pruning: what it changed, and the ways in which a network was pruned.

use super::run_folder::Run;
use super::table::{Table, entry};
use super::units::{count, percent, percent_of};
use super::winner::PruningVariant;

/// Returns the table of what pruning changed: a row for each pruned winner.
pub(super) fn table(run: &Run) -> Table {
    let mut table = Table::new([
        ("rank", true),
        ("method", false),
        ("choose", false),
        ("parameters removed", true),
        ("MACs removed", true),
        ("accuracy before", true),
        ("accuracy after", true),
        ("difference", true),
        ("rounds", true),
        ("ended because", false),
    ]);
    for winner in &run.winners {
        let Some(prune) = &winner.pruned.prune else { continue };
        let tests = winner.dense.test.as_ref().zip(winner.pruned.test.as_ref());
        let untested = "not tested both before and after pruning";
        table.push(vec![
            Ok(winner.name.clone()),
            Ok(prune.method.name().to_string()),
            Ok(prune.choose.name().to_string()),
            Ok(percent(prune.removed)),
            Ok(percent(1.0 - prune.macs_after as f64 / prune.macs_before as f64)),
            entry(tests, untested, |(before, _)| percent_of(before.accuracy, before.images)),
            entry(tests, untested, |(_, after)| percent_of(after.accuracy, after.images)),
            entry(tests, untested, |(before, after)| {
                format!("{:+.1} points", (after.accuracy - before.accuracy) * 100.0)
            }),
            Ok(prune.rounds.len().to_string()),
            Ok(prune.end()),
        ]);
    }
    table
}

/// Returns the table of all pruned variants of winners; empty if no winner has more than one.
pub(super) fn variants_table(run: &Run) -> Table {
    let mut table = Table::new([
        ("rank", true),
        ("way", false),
        ("method", false),
        ("choose", false),
        ("parameters", true),
        ("parameters removed", true),
        ("validation accuracy", true),
        ("before fine-tuning", true),
        ("from scratch", true),
    ]);
    for winner in run.winners.iter().filter(|winner| winner.pruning_variants.len() > 1) {
        for PruningVariant { name, report, scratch } in &winner.pruning_variants {
            let last = report.rounds.last();
            let diverged = scratch.as_ref().is_some_and(|trained| trained.diverged);
            let unknown = if diverged {
                "from scratch, the training diverged"
            } else {
                "not trained from scratch: `prune scratch`"
            };
            let scratch = scratch
                .as_ref()
                .filter(|_| !diverged)
                .and_then(|trained| trained.accuracy.validation);
            table.push(vec![
                Ok(winner.name.clone()),
                Ok(name.clone()),
                Ok(report.method.name().to_string()),
                Ok(report.choose.name().to_string()),
                Ok(count(report.parameters_after)),
                Ok(percent(report.removed)),
                Ok(percent(last.map_or(report.accuracy_before, |round| round.accuracy))),
                entry(last, "nothing was pruned", |round| percent(round.accuracy_untuned)),
                entry(scratch, unknown, percent),
            ]);
        }
    }
    table
}
