//! The table of results: every winner before and after pruning.

use super::data::anchor;
use super::run_folder::Run;
use super::table::{Entry, Table, entry};
use super::units::{count, percent, percent_of, si};
use super::variant::{DIVERGED, Kind, NOT_MEASURED, Variant};
use super::winner::Winner;
use common::measurement::Measurement;
use common::network::Origin;
use common::network::counts::network_information_density;
use common::precision::Precisions;
use common::statistics::wilson;
use std::collections::BTreeSet;

/// Reason why a network without a rank has no results yet.
const CHOSEN_LATER: &str = "not made and measured yet: `make choose`";
/// Title of the column of validation accuracies, which is on the page only.
const VALIDATION: &str = "validation accuracy";
const TEST: &str = "test accuracy";
const RANK: &str = "rank";
const KIND: &str = "variant";
/// Reason why a network whose training diverged has no pruned variant.
const NOT_PRUNED: &str = "not pruned: the training of the dense network diverged";

/// The columns before those of the boards.
const COLUMNS: [(&str, bool); 9] = [
    (RANK, true),
    ("individual", false),
    ("genome", false),
    (KIND, false),
    (VALIDATION, true),
    (TEST, true),
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

/// Returns a sentence on a search that goes on or was interrupted.
pub(super) fn unfinished_warning(run: &Run) -> Option<String> {
    let planned = run.search.as_ref()?.search.iterations;
    let finished = run.archive.as_ref().map_or(0, |archive| archive.iterations);
    (!run.is_searched && finished < planned).then(|| {
        format!(
            "The search goes on or was interrupted: {finished} of {planned} iterations are finished. This is what there \
             is so far."
        )
    })
}

/// Returns the table of results: a row for each winner and variant, columns for each board.
pub(super) fn table(run: &Run) -> Table {
    let boards = run.boards();
    // Networks that are not measured have empty columns of one board.
    let columns: Vec<&str> =
        if boards.is_empty() { vec![""] } else { boards.into_iter().collect() };
    let has_power: Vec<bool> = columns.iter().map(|board| has_power(run, board)).collect();
    let mut titles: Vec<(String, bool)> =
        COLUMNS.iter().map(|(title, numeric)| (title.to_string(), *numeric)).collect();
    for (board, has_power) in columns.iter().zip(&has_power) {
        titles.extend(board_titles(run, board, *has_power).map(|title| (title, true)));
    }
    let mut table = Table::new(titles.iter().map(|(title, numeric)| (title.as_str(), *numeric)));
    table.keep_from_text(VALIDATION);
    table.set_keys(&[RANK, KIND]);
    for (winner, kind, variant) in run.variants() {
        let mut row = network_entries(run, winner, kind, variant);
        for (board, has_power) in columns.iter().zip(&has_power) {
            let measured = measured_entry(run, winner, kind, variant, board);
            row.extend(board_entries(measured).into_iter().take(if *has_power { 3 } else { 2 }));
        }
        table.push_named(&format!("{}/{}", winner.name, kind.folder()), row);
        table.add_link(KIND, format!("#{}", anchor(winner, kind)));
        add_details(&mut table, run, variant.validation_accuracy(), variant);
    }
    table
}

fn has_power(run: &Run, board: &str) -> bool {
    run.variants().any(|(.., v)| v.measurement(board).is_ok_and(|m| m.energy.gross_w.is_some()))
}

fn board_titles(run: &Run, board: &str, has_power: bool) -> impl Iterator<Item = String> {
    let emulated =
        run.variants().any(|(.., v)| v.measurements.get(board).is_some_and(|m| m.emulated));
    let on = if board.is_empty() { String::new() } else { format!(", {board}") };
    let mark = if emulated { " (emulated)" } else { "" };
    let titles = [format!("latency p50{on}{mark}"), format!("energy{on}"), format!("power{on}")];
    titles.into_iter().take(if has_power { 3 } else { 2 })
}

/// Returns the measurement on a board, or why there is none.
fn measured_entry<'a>(
    run: &Run,
    winner: &Winner,
    kind: Kind,
    variant: &'a Variant,
    board: &str,
) -> Result<&'a Measurement, String> {
    if variant.network.is_none() && winner.dense.diverged() {
        return Err(NOT_PRUNED.to_string());
    }
    // Networks without a rank are measured by another command, in all precisions.
    if winner.rank.is_none() {
        let later = |reason| if reason == NOT_MEASURED { CHOSEN_LATER.to_string() } else { reason };
        return variant.measurement(board).map_err(later);
    }
    let excluded = run.precisions().is_some_and(|all| !all.include(kind.precision()));
    variant.measurement(board).map_err(|reason| match excluded && reason == NOT_MEASURED {
        true => format!("not measured: this run has PRECISION={}", precisions(run)),
        false => reason,
    })
}

/// Adds what is known about the certainty of accuracies to the last row.
fn add_details(table: &mut Table, run: &Run, validated: Option<f64>, variant: &Variant) {
    let share = |share: f64, n| percent_of(share, n);
    if let Some(accuracy) = validated {
        let detail = match run.validation_images() {
            Some(n) => {
                let [low, high] = wilson((accuracy * n as f64).round() as usize, n);
                format!(
                    "{} to {}, n\u{a0}=\u{a0}{}",
                    share(low, n),
                    share(high, n),
                    count(n as u64)
                )
            }
            None => "number of images not known".to_string(),
        };
        table.add_detail(VALIDATION, detail);
    }
    if let Some(test) = &variant.test {
        let [low, high] = wilson(test.correct, test.images).map(|x| share(x, test.images));
        table.add_detail(
            TEST,
            format!("{low} to {high}, n\u{a0}=\u{a0}{}", count(test.images as u64)),
        );
    }
}

/// Returns the precisions in which networks are generated and measured.
fn precisions(run: &Run) -> &'static str {
    run.precisions().map_or("", Precisions::name)
}

fn network_entries(run: &Run, winner: &Winner, kind: Kind, variant: &Variant) -> Vec<Entry> {
    let not_made = match kind {
        Kind::Dense | Kind::DenseInt8 | Kind::Pruned | Kind::PrunedInt8
            if winner.rank.is_none() =>
        {
            CHOSEN_LATER
        }
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
    let not_validated = match &variant.network {
        Some(_) if variant.test.is_some() => "trained without validation images",
        Some(_) | None => not_tested,
    };
    let validated = entry(variant.validation_accuracy(), not_validated, |accuracy| {
        percent_of(accuracy, run.validation_images().unwrap_or(0))
    });
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
        validated,
        if variant.diverged() { Ok("diverged".into()) } else { accuracy },
        entry(variant.counts, not_made, |counts| count(counts.parameters)),
        entry(variant.counts, not_made, |counts| si(counts.macs as f64, "")),
        entry(nid, not_tested, |nid| format!("{nid:.2}")),
    ]
}

/// Returns latency and gross energy of one inference, and the power while inferences run.
fn board_entries(measurement: Result<&Measurement, String>) -> [Entry; 3] {
    match measurement {
        Ok(m) => [Ok(si(m.latency.p50_s, "s")), energy(m), power(m)],
        Err(reason) => [Err(reason.clone()), Err(reason.clone()), Err(reason)],
    }
}

/// Returns the average gross power while inferences run, or the reason why it is unknown.
fn power(measurement: &Measurement) -> Entry {
    let energy = &measurement.energy;
    let earlier = "the measurement is of a version that did not record power";
    let reason = energy.reason.clone().unwrap_or_else(|| earlier.to_string());
    entry(energy.gross_w, reason, |watts| si(watts, "W"))
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
        let entries = vec![
            Ok(evaluation.id.clone()),
            Ok(evaluation.genome.to_string()),
            entry(evaluation.accuracy, failed.clone(), percent),
            Ok(if evaluation.second_accuracy.is_some() { "mean of 2" } else { "1" }.to_string()),
            Ok(count(evaluation.parameters)),
            Ok(si(evaluation.macs as f64, "")),
            entry(individual.nid, failed, |nid| format!("{nid:.2}")),
            Ok(winner.map_or_else(String::new, |winner| winner.name.clone())),
        ];
        table.push_named(&evaluation.id, entries);
    }
    table
}
