//! The table of stages: how long each took, and the builds of the programs that made the run.

use super::effort::{Effort, Time};
use crate::report::run_folder::Run;
use crate::report::table::{Entry, Table};
use common::measurement::Measurement;
use common::program::Program;
use std::collections::{BTreeMap, BTreeSet};

/// Reason why a number is missing.
const NOT_RECORDED: &str = "not recorded: this stage writes no times";
const OLDER: &str = "not recorded: made by an earlier version";

/// Returns a row for each stage that the run has.
pub(crate) fn table(run: &Run, effort: &Effort) -> Table {
    let mut table = Table::new([
        ("stage", false),
        ("what", false),
        ("wall time", true),
        ("processor time", true),
        ("device", false),
    ]);
    let trainings = [
        ("search", "candidate", &effort.search),
        ("training in full", "network", &effort.training),
        ("pruning", "fine-tuning", &effort.pruning),
        ("pruning, from scratch", "training", &effort.scratch),
    ];
    for (stage, what, time) in trainings {
        if time.trainings > 0 {
            table.push(training(stage, what, time));
        }
    }
    let has_int8 = run.variants().any(|(_, _, variant)| variant.int8.is_some());
    let has_crates = run.variants().any(|(_, _, variant)| !variant.manifests.is_empty());
    for (stage, there) in [("int8", has_int8), ("code generation", has_crates)] {
        if there {
            let missing = || Err(NOT_RECORDED.to_string());
            table.push(vec![Ok(stage.into()), missing(), missing(), missing(), missing()]);
        }
    }
    for (board, records) in measurements(run) {
        let wall_s: f64 = records.iter().map(|record| ended_s(record)).sum();
        table.push(vec![
            Ok(format!("measurement on {board}")),
            Ok(counted(records.len(), "crate")),
            Ok(duration(wall_s)),
            Err("not recorded: a measurement records wall times only".into()),
            Ok(board.to_string()),
        ]);
    }
    table
}

fn training(stage: &str, what: &str, time: &Time) -> Vec<Entry> {
    vec![
        Ok(stage.into()),
        Ok(counted(time.trainings, what)),
        Ok(duration(time.wall_s)),
        Ok(duration(time.cpu_s)),
        Ok(time.devices.iter().cloned().collect::<Vec<_>>().join(", ")),
    ]
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Returns all records of the run by board.
fn measurements(run: &Run) -> BTreeMap<&str, Vec<&Measurement>> {
    let mut all: BTreeMap<&str, Vec<&Measurement>> = BTreeMap::new();
    let own = run.variants().map(|(_, _, variant)| variant);
    for variant in own.chain(run.baselines.iter().map(|(_, variant)| variant)) {
        for (board, record) in &variant.measurements {
            all.entry(board).or_default().push(record);
        }
    }
    all
}

/// Returns the seconds from the start of a measurement to the end of its last window.
fn ended_s(record: &Measurement) -> f64 {
    record.windows.iter().map(|window| window.t1_s).fold(0.0, f64::max)
}

/// Returns the builds of each program that made the run and recorded itself; a sentence where one
/// did not.
pub(crate) fn programs(
    run: &Run,
    effort: &Effort,
    report: &Program,
) -> Vec<(&'static str, String)> {
    let trainings = [&effort.search, &effort.training, &effort.pruning, &effort.scratch];
    let train: BTreeSet<Option<&Program>> =
        trainings.iter().flat_map(|time| &time.programs).map(Option::as_ref).collect();
    let records = measurements(run).into_values().flatten();
    let measure: BTreeSet<Option<&Program>> =
        records.map(|record| record.host.program.as_ref()).collect();
    let named = |builds: BTreeSet<Option<&Program>>| {
        let names = builds
            .into_iter()
            .map(|build| build.map_or_else(|| OLDER.to_string(), Program::to_string));
        names.collect::<Vec<_>>().join("; ")
    };
    let all =
        [("train", named(train)), ("measure", named(measure)), ("report", report.to_string())];
    all.into_iter().filter(|(_, builds)| !builds.is_empty()).collect()
}

/// Returns a duration in the units that fit it.
fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        3600.. => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_fitting_units() {
        let texts = [0.04, 59.4, 59.6, 61.0, 3599.6, 7_384.0, 1e6].map(duration);
        let expected =
            ["0.0 s", "59.4 s", "1 min 0 s", "1 min 1 s", "1 h 0 min", "2 h 3 min", "277 h 46 min"];
        assert_eq!(texts, expected);
    }
}
