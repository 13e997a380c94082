//! The table of results: every winner before and after pruning.

use super::run_folder::Run;
use super::table::{Entry, Table, entry};
use super::units::{count, percent, percent_of, si};
use super::variant::{DIVERGED, Kind, NOT_MEASURED, Variant};
use super::winner::{PruningVariant, Winner};
use common::measurement::Measurement;
use common::network::Origin;
use common::network::counts::network_information_density;
use common::precision::Precisions;
use std::collections::BTreeSet;

/// Reason why a network whose training diverged has no pruned variant.
const NOT_PRUNED: &str = "not pruned: the training of the dense network diverged";

/// The columns before those of the boards.
const COLUMNS: [(&str, bool); 8] = [
    ("rank", true),
    ("individual", false),
    ("genome", false),
    ("variant", false),
    ("test accuracy", true),
    ("parameters", true),
    ("MACs", true),
    ("NID", true),
];

/// Returns a warning if networks were trained or tested on other data than the search.
pub(super) fn data_warning(run: &Run) -> Option<String> {
    let search = run.search.as_ref()?;
    let trained = |variant: &Variant| {
        variant.train.as_ref().is_some_and(|t| t.data_sha256 != search.data_sha256)
    };
    let other = run.winners.iter().filter(|winner| trained(&winner.dense));
    let names: Vec<&str> = other.map(|winner| winner.name.as_str()).collect();
    let tested: BTreeSet<&str> = run
        .variants()
        .filter_map(|(.., variant)| Some(variant.test.as_ref()?.data_sha256.as_str()))
        .collect();
    let trained = (!names.is_empty()).then(|| {
        format!(
            "Rank {} was trained on other data than the search: `data_sha256` in train.json differs.",
            names.join(", ")
        )
    });
    let tested = (tested.len() > 1)
        .then(|| "Networks were tested on different data (`data_sha256` in test.json): do not compare them.".into());
    let warnings: Vec<String> = trained.into_iter().chain(tested).collect();
    (!warnings.is_empty()).then(|| warnings.join(" "))
}

/// Returns a warning if trainings diverged.
pub(super) fn diverged_warning(run: &Run) -> Option<String> {
    let diverged = run.winners.iter().filter(|winner| winner.dense.diverged());
    let names: Vec<&str> = diverged.map(|winner| winner.name.as_str()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "The training of rank {} diverged: it has no result, and `make` neither prunes nor measures it. Try a smaller \
             training.learning_rate in the profile, in another run.",
            names.join(", ")
        )
    })
}

/// Returns the table of results: a row for each winner and variant, two columns for each board.
pub(super) fn table(run: &Run) -> Table {
    let boards = run.boards();
    let mut titles: Vec<(String, bool)> =
        COLUMNS.iter().map(|(title, numeric)| (title.to_string(), *numeric)).collect();
    for board in &boards {
        let emulated =
            run.variants().any(|(.., v)| v.measurements.get(*board).is_some_and(|m| m.emulated));
        let emulated = if emulated { " (emulated)" } else { "" };
        titles.extend([
            (format!("latency p50, {board}{emulated}"), true),
            (format!("energy, {board}"), true),
        ]);
    }
    if boards.is_empty() {
        titles.extend([("latency p50".to_string(), true), ("energy".to_string(), true)]);
    }
    let mut table = Table::new(titles.iter().map(|(title, numeric)| (title.as_str(), *numeric)));
    for (winner, kind, variant) in run.variants() {
        let mut row = network_entries(winner, kind, variant);
        let unpruned =
            (variant.network.is_none() && winner.dense.diverged()).then(|| NOT_PRUNED.to_string());
        let excluded = run.precisions().is_some_and(|all| !all.include(kind.precision()));
        let explained = |reason| match excluded && reason == NOT_MEASURED {
            true => format!("not measured: this run has PRECISION={}", precisions(run)),
            false => reason,
        };
        for board in &boards {
            let measured = unpruned.clone().map_or_else(|| variant.measurement(board), Err);
            row.extend(board_entries(measured.map_err(explained)));
        }
        if boards.is_empty() {
            let measured = unpruned.clone().map_or_else(|| variant.measurement(""), Err);
            row.extend(board_entries(measured.map_err(explained)));
        }
        table.push(row);
    }
    table
}

/// Returns the precisions in which networks are generated and measured.
fn precisions(run: &Run) -> &'static str {
    run.precisions().map_or("", Precisions::name)
}

fn network_entries(winner: &Winner, kind: Kind, variant: &Variant) -> Vec<Entry> {
    let not_made = match kind {
        Kind::Dense | Kind::DenseInt8 => "not trained yet: `make train`",
        Kind::Pruned | Kind::PrunedInt8 if winner.dense.diverged() => NOT_PRUNED,
        Kind::Pruned | Kind::PrunedInt8 => "not pruned yet: `make prune`",
    };
    let not_tested = match (&variant.network, &variant.refusal) {
        (Some(_), Some(reason)) => reason.as_str(),
        (Some(_), None) if variant.diverged() => DIVERGED,
        (Some(_), None) => "not tested yet: test.json is missing",
        (None, _) => not_made,
    };
    let accuracy =
        entry(variant.test.as_ref(), not_tested, |test| percent_of(test.accuracy, test.images));
    let nid = match (&variant.test, variant.counts) {
        (Some(test), Some(counts)) => {
            Some(network_information_density(test.accuracy, counts.parameters))
        }
        (Some(_), None) | (None, _) => None,
    };
    vec![
        Ok(winner.name.clone()),
        entry(winner.individual.as_ref(), "its genome is not in the archive", |i| {
            i.evaluation.id.clone()
        }),
        entry(
            winner.origin.as_ref(),
            "neither genome.json nor network.json is there",
            Origin::to_string,
        ),
        Ok(kind.name().to_string()),
        if variant.diverged() { Ok("diverged".into()) } else { accuracy },
        entry(variant.counts, not_made, |counts| count(counts.parameters)),
        entry(variant.counts, not_made, |counts| si(counts.macs as f64, "")),
        entry(nid, not_tested, |nid| format!("{nid:.2}")),
    ]
}

/// Returns latency and gross energy of one inference.
fn board_entries(measurement: Result<&Measurement, String>) -> [Entry; 2] {
    match measurement {
        Ok(measurement) => [Ok(si(measurement.latency.p50_s, "s")), energy(measurement)],
        Err(reason) => [Err(reason.clone()), Err(reason)],
    }
}

/// Returns the gross energy of one inference, or the reason why it is unknown.
pub(super) fn energy(measurement: &Measurement) -> Entry {
    let energy = &measurement.energy;
    let unexplained = "the measurement gives no reason".to_string();
    let reason = format!(
        "no energy on {}: {}",
        measurement.board,
        energy.reason.clone().unwrap_or(unexplained)
    );
    entry(energy.gross_j, reason, |joules| si(joules, "J"))
}

/// Returns the table of what pruning changed: a row for each pruned winner.
pub(super) fn pruning_table(run: &Run) -> Table {
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
pub(super) fn pruning_variants_table(run: &Run) -> Table {
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

/// Returns the table of the archive's front, smallest network first.
pub(super) fn front_table(run: &Run) -> Table {
    let mut table = Table::new([
        ("individual", false),
        ("genome", false),
        ("validation accuracy", true),
        ("seeds", true),
        ("parameters", true),
        ("MACs", true),
        ("NID", true),
        ("rank", true),
    ]);
    for individual in
        run.archive.iter().flat_map(|archive| &archive.individuals).filter(|i| i.on_front)
    {
        let evaluation = &individual.evaluation;
        let failed = evaluation.failure.clone().unwrap_or_else(|| "its training failed".into());
        let winner = run
            .winners
            .iter()
            .find(|winner| winner.origin == Some(Origin::Genome(evaluation.genome)));
        table.push(vec![
            Ok(evaluation.id.clone()),
            Ok(evaluation.genome.to_string()),
            entry(evaluation.accuracy, failed.clone(), percent),
            Ok(if evaluation.second_accuracy.is_some() { "mean of 2" } else { "1" }.to_string()),
            Ok(count(evaluation.parameters)),
            Ok(si(evaluation.macs as f64, "")),
            entry(individual.nid, failed, |nid| format!("{nid:.2}")),
            Ok(winner.map_or_else(String::new, |winner| winner.name.clone())),
        ]);
    }
    table
}
