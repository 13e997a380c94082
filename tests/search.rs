//! Searches from a table of trainings, and trainings in several parts.

use common::files::json;
use common::measurement::Measurement;
use common::profile::{Profile, SearchSettings, Strategy, Surrogate};
use common::search::accuracy_table::AccuracyTable;
use common::search::archive::Archive;
use common::search::config::SearchConfig;
use common::search::evaluation::Evaluation;
use common::search::hypervolume::Scale;
use common::search::objective::{Objective, Quantity};
use explore::evaluate::table::TableEvaluator;
use explore::search::archive;
use explore::search::replay::replay;
use std::collections::BTreeSet;
use std::path::Path;
use tests::{GENOME, one_line, root, run, succeed, write_idx_dataset};

const TABLE: &str = "table:tests/data/digits-table.json.gz";

/// Runs a search from the table into a folder, beside which the data set is placed.
fn search(out: &Path, more: &[&str]) -> std::process::Output {
    let data = out.with_file_name("digits");
    let (out, digits) = (out.to_str().unwrap(), data.to_str().unwrap());
    if !data.exists() {
        succeed(
            &root(),
            "fetch-data",
            &["--recipe", "pipelines/datasets/digits.json", "--out", digits],
        );
    }
    let fixed = [
        "run",
        "--config",
        "pipelines/profiles/digits-table.json",
        "--dataset",
        digits,
        "--out",
        out,
    ];
    run(&root(), "explore", &[&fixed, &["--evaluator", TABLE][..], more].concat())
}

#[test]
fn a_search_from_the_table_resumes_to_the_same_bytes() {
    for (surrogate, objectives) in [
        ("forest", "error,params"),
        ("gaussian", "error,params"),
        ("gaussian", "error,params,macs"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let options = ["--surrogate", surrogate, "--objectives", objectives, "--halving"];
        let (whole, cut) = (dir.path().join("whole"), dir.path().join("cut"));
        for out in [&whole, &cut] {
            assert!(search(out, &options).status.success());
        }
        let log = std::fs::read_to_string(cut.join("evaluations.jsonl")).unwrap();
        // In the middle of a line of the third population.
        std::fs::write(cut.join("evaluations.jsonl"), &log[..log.len() / 3]).unwrap();
        assert!(search(&cut, &[&options[..], &["--resume"]].concat()).status.success());
        for file in ["archive.json", "evaluations.jsonl"] {
            assert_eq!(
                std::fs::read(whole.join(file)).unwrap(),
                std::fs::read(cut.join(file)).unwrap()
            );
        }
        let changed =
            one_line(&search(&cut, &[&options[..4], &["--resume"]].concat()), "another search");
        assert!(changed.contains("search.halving was [0.4,0.7]"), "{changed}");
    }
}

#[test]
fn a_finished_search_from_the_table_goes_on_to_the_bytes_of_a_longer_one() {
    for options in [
        &["--surrogate", "gaussian", "--halving", "--reseed-front"][..],
        &["--surrogate", "forest", "--halving"],
        &["--strategy", "nsga2"],
        &["--strategy", "random"],
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (long, short) = (dir.path().join("long"), dir.path().join("short"));
        let run = |out: &Path, more: &[&str]| {
            assert!(
                search(out, &[options, more].concat()).status.success(),
                "{options:?} {more:?}"
            );
        };
        run(&long, &["--iterations", "6"]);
        run(&short, &["--iterations", "3"]);
        run(&short, &["--iterations", "6", "--resume"]);
        let files = ["search.json", "archive.json", "evaluations.jsonl"];
        let figures = ["front.svg", "progress.svg", "activations.svg"];
        let winners = (1..=3).map(|rank| format!("winners/{rank}/genome.json"));
        for file in files.into_iter().chain(figures).map(String::from).chain(winners) {
            let read = |folder: &Path| std::fs::read(folder.join(&file)).unwrap();
            assert_eq!(read(&long), read(&short), "{options:?}: {file}");
        }
    }
}

/// The hypervolume is that of error, parameters and multiply-adds, over the ranges of the table.
#[test]
fn with_three_objectives_the_gaussian_process_finds_more_than_chance() {
    let table = AccuracyTable::read(&root().join("tests/data/digits-table.json.gz")).unwrap();
    let first = table.rows.iter().filter(|row| row.seed == 0);
    let points = first.map(|row| {
        let accuracy = row.accuracy.get(table.epochs - 1).copied().unwrap_or(0.0);
        [1.0 - accuracy, row.parameters as f64, row.macs as f64]
    });
    // The process looks for the front inside the region of interest, up to an error of 0.1 here.
    let scale = Scale::of(points).unwrap().up_to(0.1).unwrap();
    let trainings = TableEvaluator::new(&table);
    let volume = |seed: u64, strategy: Strategy, surrogate: Option<Surrogate>| {
        let search = SearchSettings {
            strategy,
            surrogate,
            objectives: [Quantity::Error, Quantity::Params, Quantity::Macs]
                .map(Objective::of)
                .to_vec(),
            population: 8,
            archive_size: 16,
            iterations: 8,
            epochs: table.epochs,
            ..SearchSettings::default()
        };
        let found = replay(&trainings, &SearchConfig::from_table(&table, &search, seed))
            .unwrap()
            .evaluations;
        let point = |e: &Evaluation| [e.objectives()[0], e.objectives()[1], e.macs as f64];
        scale.hypervolume(found.iter().map(point))
    };
    let better = (0..5).filter(|seed| {
        let gaussian = volume(*seed, Strategy::Spea2, Some(Surrogate::Gaussian));
        gaussian > volume(*seed, Strategy::Random, None)
    });
    assert!(better.count() >= 4);
}

/// The settings are those of `laptop`, and weak trainings are stopped; the outcomes of all are known.
#[test]
fn no_search_with_halving_loses_a_member_of_its_front() {
    let table = AccuracyTable::read(&root().join("tests/data/digits-table.json.gz")).unwrap();
    let laptop: Profile = json::read(&root().join("pipelines/profiles/laptop.json")).unwrap();
    let search = SearchSettings {
        epochs: table.epochs,
        halving: vec![0.4, 0.7],
        reseed_front: false,
        ..laptop.search
    };
    assert!(!search.rungs().is_empty());
    let trainings = TableEvaluator::new(&table);
    let loses = |seed: &u64| {
        let config = SearchConfig::from_table(&table, &search, *seed);
        let found = replay(&trainings, &config).unwrap();
        let front = archive::front(&found.evaluations, &config.search.objectives);
        let front: BTreeSet<&str> =
            front.into_iter().map(|index| found.evaluations[index].id.as_str()).collect();
        let kept = found.archive.individuals.iter().filter(|individual| individual.on_front);
        let kept: BTreeSet<&str> =
            kept.map(|individual| individual.evaluation.id.as_str()).collect();
        front != kept
    };
    let losing: Vec<u64> = (0..40).filter(loses).collect();
    assert!(
        losing.is_empty(),
        "{} of 40 searches lose members of their front: seeds {losing:?}",
        losing.len()
    );
}

#[test]
fn no_network_exceeds_the_limit_of_parameters() {
    let dir = tempfile::tempdir().unwrap();
    assert!(
        search(&dir.path().join("limited"), &["--max-params", "5000", "--strategy", "nsga2"])
            .status
            .success()
    );
    let log = std::fs::read_to_string(dir.path().join("limited/evaluations.jsonl")).unwrap();
    let parameters = log.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["parameters"].as_u64().unwrap()
    });
    assert!(parameters.clone().count() > 100 && parameters.max() <= Some(5000));
}

#[test]
fn a_search_ends_with_a_network_that_is_fast_enough_on_this_machine() {
    let dir = tempfile::tempdir().unwrap();
    write_idx_dataset(&dir.path().join("data"), 40, |i| (i % 3) as u8);
    let profile = r#"{"schema": "neuropower/profile/1",
        "space": {"feature_extraction_layers": [7, 10], "condense_layers": [1]},
        "template": {"growth_rate": 2, "stem_channels": 2}, "final": {"winners": 1},
        "search": {"population": 3, "archive_size": 3, "iterations": 3, "epochs": 1, "max_arena_bytes": 100000,
            "measurement": {"idle_s": 0, "warmup_s": 0.1, "windows": 1, "window_s": 0.1}}}"#;
    std::fs::write(dir.path().join("profile.json"), profile).unwrap();
    let fixed =
        ["run", "--config", "profile.json", "--dataset", "data", "--out", "out", "--board", "host"];
    let criteria = ["--min-accuracy", "0", "--max-latency-s", "1"];
    let summary = succeed(dir.path(), "explore", &[&fixed[..], &criteria].concat());
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["iterations"], 1);
    let archive: Archive = json::read(&dir.path().join("out/archive.json")).unwrap();
    let id = summary["criteria_met_by"].as_str().unwrap();
    let met_by = &archive
        .individuals
        .iter()
        .find(|individual| individual.evaluation.id == id)
        .unwrap()
        .evaluation;
    let latency = met_by.latency_s.unwrap();
    assert!(met_by.arena_bytes.unwrap() <= 100_000 && latency > 0.0);
    let records = std::fs::read_dir(dir.path().join("out/measurements"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let records: Vec<Measurement> = records.map(|path| json::read(&path).unwrap()).collect();
    let crates: BTreeSet<&str> =
        records.iter().map(|record| record.ran.crate_sha256.as_str()).collect();
    assert_eq!(crates.len(), records.len(), "a crate was measured twice");
    assert!(records.iter().any(|record| record.latency.p50_s == latency));
    assert!(dir.path().join("out/cost.svg").exists());
}

#[test]
fn a_training_in_several_parts_ends_in_the_same_weights() {
    let dir = tempfile::tempdir().unwrap();
    write_idx_dataset(&dir.path().join("data"), 40, |i| (i % 3) as u8);
    std::fs::write(dir.path().join("genome.json"), GENOME).unwrap();
    let fit = |out: &str, more: &[&str]| {
        let fixed =
            ["fit", "--genome", "genome.json", "--dataset", "data", "--epochs", "4", "--out", out];
        let report = succeed(dir.path(), "train", &[&fixed, more].concat());
        serde_json::from_str::<serde_json::Value>(&report).unwrap()
    };
    let whole = fit("whole", &[]);
    let first = fit("parts", &["--stop-after", "1"]);
    assert_eq!(first["epochs"], 1);
    assert_eq!(first["curve"][0]["validation_accuracy"], first["accuracy"]["validation"]);
    assert_eq!(fit("parts", &["--resume", "--stop-after", "3"])["epochs"], 3);
    let last = fit("parts", &["--resume"]);
    assert_eq!(
        (&last["epochs"], &last["weights_sha256"]),
        (&whole["epochs"], &whole["weights_sha256"])
    );
    assert_eq!(last["curve"][0]["validation_accuracy"], first["accuracy"]["validation"]);
}
