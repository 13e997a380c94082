//! Searches: their files, interruptions, failures and options.

use super::fixture::{Fixture, error_of, text};
use common::files::json;
use common::search::genome::Genome;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

#[test]
fn a_search_writes_its_files_and_repeats_to_the_byte() {
    let fixture = Fixture::new();
    let summary = fixture.search("one");
    assert_eq!(
        (&summary["iterations"], &summary["evaluations"], &summary["failed"]),
        (&json!(3), &json!(18), &json!(0))
    );
    let calls = fixture.calls();
    assert!(calls.len() == 18 && calls.values().all(|times| *times == 1), "{calls:?}");
    let other = fixture.command("two").args(["--workers", "5"]).output().unwrap();
    assert!(other.status.success());
    assert_eq!(fixture.result("one"), fixture.result("two"));
    let other = fixture.command("three").args(["--seed", "5"]).output().unwrap();
    assert!(other.status.success());
    assert_ne!(fixture.result("one")["archive.json"], fixture.result("three")["archive.json"]);

    let evaluations = fixture.evaluations("one");
    let places: Vec<(usize, usize)> = evaluations.iter().map(|e| (e.iteration, e.index)).collect();
    assert_eq!(places, (0..3).flat_map(|i| (0..6).map(move |j| (i, j))).collect::<Vec<_>>());
    let archive = fixture.archive("one");
    assert_eq!((archive.iterations, archive.evaluations, archive.individuals.len()), (3, 18, 6));
    for individual in &archive.individuals {
        let evaluation = &individual.evaluation;
        assert!(evaluations.contains(evaluation));
        let genome: Genome = json::read(
            &fixture.path("one").join("individuals").join(&evaluation.id).join("genome.json"),
        )
        .unwrap();
        assert_eq!(genome, evaluation.genome);
    }
    let front: Vec<f64> = archive
        .individuals
        .iter()
        .filter(|i| i.on_front)
        .filter_map(|i| i.evaluation.accuracy)
        .collect();
    assert_eq!(summary["best_accuracy"], json!(front.iter().copied().fold(0.0, f64::max)));
    let best: Genome = json::read(&fixture.path("one/winners/1/genome.json")).unwrap();
    let best = archive.individuals.iter().find(|i| i.evaluation.genome == best).unwrap();
    assert_eq!(json!(best.evaluation.accuracy), summary["best_accuracy"]);
    assert!(!fixture.path("one/winners/4").exists());
}

#[test]
fn the_trainings_get_the_profile_s_options() {
    let fixture = Fixture::new();
    let output = fixture.command("run").args(["--seed", "9"]).output().unwrap();
    assert!(output.status.success());
    assert!(fixture.calls().keys().all(|call| call.ends_with(" 20")), "the subset is passed on");
    let report: common::train_report::TrainReport =
        json::read(&fixture.path("run/individuals/i00-00/train.json")).unwrap();
    assert_eq!((report.seed, report.epochs), (9, 2));
}

#[test]
fn a_killed_search_resumes_to_the_same_bytes_without_repeating_a_training() {
    let fixture = Fixture::new();
    fixture.search("whole");
    fixture.calls();
    let mut child = fixture.start_and_hang("killed", "i01-03", 9);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!fixture.path("killed/winners").exists());
    let before = fixture.calls();
    // A torn line, as if the kill had come while it was written.
    let log = fixture.path("killed/evaluations.jsonl");
    let lines = fs::read_to_string(&log).unwrap();
    fs::write(&log, &lines[..lines.len() - 40]).unwrap();
    let finished: BTreeSet<String> = before
        .keys()
        .filter(|call| {
            fixture.path("killed/individuals").join(&call[..6]).join("train.json").exists()
        })
        .cloned()
        .collect();
    assert!(finished.len() >= 9);
    let output = fixture.command("killed").arg("--resume").output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(fixture.result("whole"), fixture.result("killed"));
    let after = fixture.calls();
    assert!(
        after.keys().all(|call| !finished.contains(call)),
        "{finished:?} were finished, {after:?} trained again"
    );
    assert!(after.contains_key("i01-03 20"));
    // A finished search resumes to itself.
    let output = fixture.command("killed").arg("--resume").output().unwrap();
    assert!(output.status.success());
    assert_eq!((fixture.result("whole"), fixture.calls().len()), (fixture.result("killed"), 0));
}

#[test]
fn a_signal_ends_the_trainings_and_leaves_a_search_that_resumes() {
    let fixture = Fixture::new();
    fixture.search("whole");
    let child = fixture.start_and_hang("stopped", "i02-00", 12);
    // A shell has a `kill` of its own; the program is not on every machine.
    let kill = format!("kill -INT {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(!fixture.path("stopped/winners").exists());
    let output = fixture.command("stopped").arg("--resume").output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(fixture.result("whole"), fixture.result("stopped"));
}

#[test]
fn a_search_ends_cleanly_when_its_space_is_exhausted() {
    let search = json!({"population": 5, "archive_size": 20, "iterations": 9, "epochs": 1});
    let space = json!({
        "left_activation": ["relu"], "right_activation": ["relu", "elu", "tanh"],
        "condense_layers": [1, 2, 9],
        "feature_extraction_layers": [16], "kernel_size": [3], "optimizer": ["sgd", "adam"],
    });
    let fixture = Fixture::with(&search, &space);
    // Nine Condense Layers leave nothing of 8x8 pixels: 2 distinct right activations x 2 counts x 2
    // optimizers remain.
    let summary = fixture.search("run");
    assert_eq!((&summary["evaluations"], &summary["iterations"]), (&json!(8), &json!(2)));
    let functions: BTreeSet<String> =
        fixture.evaluations("run").iter().map(|e| e.genome.canonical().to_string()).collect();
    assert_eq!(functions.len(), 8);
}

#[test]
fn too_few_individuals_for_the_winners_is_an_error_at_the_end() {
    let search = json!({"population": 2, "archive_size": 2, "iterations": 2, "epochs": 1});
    let fixture = Fixture::with(&search, &json!({}));
    let error = error_of(&fixture.command("run").output().unwrap());
    assert!(
        error.contains("only 2 trained individuals") && error.contains("final.winners"),
        "{error}"
    );
    assert_eq!(fixture.archive("run").iterations, 2);
    assert!(!fixture.path("run/winners").exists());
}

#[test]
fn a_second_run_in_a_folder_is_refused() {
    let fixture = Fixture::new();
    let mut child = fixture.start_and_hang("run", "i00-02", 2);
    let error = error_of(&fixture.command("run").arg("--resume").output().unwrap());
    assert!(error.contains("another run"), "{error}");
    child.kill().unwrap();
    child.wait().unwrap();
    let error = error_of(&fixture.command("run").output().unwrap());
    assert!(error.contains("--resume") && error.contains("another folder"), "{error}");
    fixture.write_profile(
        &json!({"population": 6, "archive_size": 6, "iterations": 3, "epochs": 7, "subset": 20}),
        &json!({}),
    );
    let error = error_of(&fixture.command("run").arg("--resume").output().unwrap());
    assert!(error.contains("search.epochs was 2 when the search began, but is 7 now"), "{error}");
}

/// All networks that are trained in full end with a lower accuracy than those that were stopped.
#[test]
fn the_best_accuracy_is_that_of_a_training_in_full() {
    let fixture = Fixture::with(
        &json!({
            "population": 8, "archive_size": 8, "iterations": 3, "epochs": 10,
            "halving": [0.4, 0.7],
        }),
        &json!({}),
    );
    let output = fixture.command("run").env("FAKE_FADE", "all").output().unwrap();
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["best_accuracy"], json!(0.2));
    let evaluations = fixture.evaluations("run");
    let stopped = evaluations.iter().find(|e| e.stopped_after.is_some()).unwrap();
    let (accuracy, epoch) = (stopped.accuracy.unwrap(), stopped.stopped_after.unwrap());
    assert!(accuracy > 0.2);
    let line = format!(
        "{}: accuracy {accuracy:.4}, {} parameters, stopped after epoch {epoch}",
        stopped.id, stopped.parameters
    );
    assert!(text(&output.stderr).contains(&line), "{line} is not in {}", text(&output.stderr));
    // Trainings in full precede the others in archive and winners, however low their accuracy.
    let archive = fixture.archive("run");
    let in_full = evaluations.iter().filter(|e| e.is_fully_trained()).count();
    let kept = archive.individuals.iter().filter(|i| i.evaluation.is_fully_trained());
    assert_eq!(kept.count(), in_full.min(8));
    let winner: Genome = json::read(&fixture.path("run/winners/1/genome.json")).unwrap();
    let winner = archive.individuals.iter().find(|i| i.evaluation.genome == winner).unwrap();
    assert_eq!((winner.on_front, winner.evaluation.accuracy), (true, Some(0.2)));
}

#[test]
fn options_and_settings_without_effect_are_refused_or_named() {
    let search = json!({
        "population": 6, "archive_size": 6, "iterations": 2, "epochs": 2, "surrogate": "gaussian",
    });
    let fixture = Fixture::with(&search, &json!({}));
    let run = |options: &[&str]| fixture.command("run").args(options).output().unwrap();
    for options in [
        &["--strategy", "random", "--surrogate", "forest"][..],
        &["--strategy", "nsga2", "--fitness", "score"],
    ] {
        let error = error_of(&run(options));
        assert!(error.contains(options[2]) && error.contains(options[1]), "{error}");
    }
    assert!(!fixture.path("run").exists());
    let output = run(&["--strategy", "random"]);
    assert!(output.status.success());
    let said = text(&output.stderr);
    assert!(said.starts_with(
        "search.surrogate of the profile is ignored: it has no effect with --strategy random\n"
    ));
    let config: common::search::config::SearchConfig =
        json::read(&fixture.path("run/search.json")).unwrap();
    assert_eq!(config.search.surrogate, None);
    // The search resumes with the same options.
    assert!(run(&["--strategy", "random", "--resume"]).status.success());
}
