//! Searches in int8, and with the memory for constants and code as an objective.

use super::fixture::{Fixture, error_of, text};
use common::files::json;
use common::quantized::Outcome;
use common::search::evaluation::Evaluation;
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

const INT8: [&str; 2] = ["--precision", "int8"];

fn command(fixture: &Fixture, out: &str, options: &[&str]) -> Command {
    let mut command = fixture.command(out);
    command.args(INT8).args(options).env("FAKE_QUANTIZED", fixture.path("quantized"));
    command
}

/// Runs a search in int8 to its end and returns the JSON that it printed.
fn search(fixture: &Fixture, out: &str, options: &[&str]) -> Value {
    let output = command(fixture, out, options).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Returns what was quantized since the last call, in order.
fn quantized(fixture: &Fixture) -> Vec<String> {
    let path = fixture.path("quantized");
    let all = fs::read_to_string(&path).unwrap_or_default().lines().map(String::from).collect();
    let _ = fs::remove_file(path);
    all
}

/// Returns the int8 accuracy that the fake `train quantize` gave a training.
fn int8_accuracy(fixture: &Fixture, out: &str, training: &str) -> f64 {
    let file = fixture.path(out).join("individuals").join(training).join("int8/outcome.json");
    json::read::<Outcome>(&file).unwrap().accuracy.unwrap().int8
}

fn bytes(fixture: &Fixture, out: &str, of: fn(&Evaluation) -> Option<u64>) -> Vec<u64> {
    fixture.evaluations(out).iter().map(|evaluation| of(evaluation).unwrap()).collect()
}

#[test]
fn candidates_are_scored_planned_and_measured_in_int8() {
    let fixture = Fixture::new();
    let options = ["--board", "made-up", "--objectives", "error,flash_bytes,arena_bytes,latency_s"];
    let summary = search(&fixture, "int8", &options);
    assert_eq!(summary["evaluations"], json!(18));
    let evaluations = fixture.evaluations("int8");
    for evaluation in &evaluations {
        assert_eq!(evaluation.accuracy, Some(int8_accuracy(&fixture, "int8", &evaluation.id)));
    }
    let mut once = quantized(&fixture);
    once.sort();
    let mut expected: Vec<String> = evaluations.iter().map(|e| e.id.clone()).collect();
    expected.push("trial".into());
    assert_eq!(once, expected);
    // One crate for each individual and for the trial.
    let measured = fixture.measured();
    assert!(measured.len() == 19 && measured.values().all(|times| *times == 1), "{measured:?}");
    let config = fs::read_to_string(fixture.path("int8/search.json")).unwrap();
    assert!(config.contains("\"precision\": \"int8\""), "{config}");

    let output = fixture.command("f32").args(options).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(quantized(&fixture), [""; 0]);
    // The first populations are the same. Their memory is a quarter in int8; on this board, code
    // takes 1000 bytes more.
    let arenas = ["int8", "f32"].map(|out| bytes(&fixture, out, |e| e.arena_bytes));
    let flash = ["int8", "f32"].map(|out| bytes(&fixture, out, |e| e.flash_bytes));
    for index in 0..6 {
        assert!(arenas[0][index].abs_diff(arenas[1][index] / 4) <= 1, "{arenas:?}");
        assert_eq!(flash[0][index], 2 * arenas[0][index] + 1000);
        assert_eq!(flash[1][index], 2 * arenas[1][index] + 1000);
    }
    assert_ne!(fixture.measured(), measured);
}

#[test]
fn the_second_seed_counts_in_int8_too() {
    let fixture = Fixture::new();
    search(&fixture, "run", &["--reseed-front"]);
    let archive = fixture.archive("run");
    let front = archive.individuals.iter().filter(|individual| individual.on_front);
    for evaluation in front.map(|individual| &individual.evaluation) {
        let second = int8_accuracy(&fixture, "run", &format!("{}-second", evaluation.id));
        let first = int8_accuracy(&fixture, "run", &evaluation.id);
        assert_eq!(evaluation.second_accuracy, Some(second));
        assert_eq!(evaluation.accuracy, Some((first + second) / 2.0));
    }
}

/// Stopped candidates are compared at their rungs in f32. They are quantized only if they are
/// measured.
#[test]
fn stopped_trainings_count_in_f32_and_are_measured_in_int8() {
    let fixture = Fixture::with(
        &json!({
            "population": 6, "archive_size": 6, "iterations": 2, "epochs": 10,
            "halving": [0.4, 0.7],
        }),
        &json!({}),
    );
    search(&fixture, "run", &[]);
    let evaluations = fixture.evaluations("run");
    let in_full: Vec<&String> =
        evaluations.iter().filter(|e| e.is_fully_trained()).map(|e| &e.id).collect();
    assert!(!in_full.is_empty() && in_full.len() < 12);
    let mut once = quantized(&fixture);
    once.sort();
    assert_eq!(once.iter().collect::<Vec<_>>(), in_full);

    let options = ["--board", "made-up", "--objectives", "error,latency_s"];
    let output = command(&fixture, "by-latency", &options)
        .env("FAKE_UNQUANTIZABLE", "i00-00 i00-01 i00-02")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let stopped: Vec<Evaluation> = fixture
        .evaluations("by-latency")
        .into_iter()
        .filter(|e| e.stopped_after.is_some())
        .collect();
    assert!(stopped.iter().all(|e| e.accuracy == e.rungs.last().copied()), "{stopped:?}");
    let once = quantized(&fixture);
    assert_eq!(once.len(), 12 + 1, "{once:?}");
    assert_eq!(fixture.measured().len(), 12 + 1 - 3);
}

#[test]
fn a_network_that_cannot_be_quantized_has_the_reason_and_the_search_goes_on() {
    let fixture = Fixture::new();
    let output =
        command(&fixture, "run", &[]).env("FAKE_UNQUANTIZABLE", "i00-01 i01-02").output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["evaluations"], &summary["failed"]), (&json!(18), &json!(2)));
    for evaluation in fixture.evaluations("run") {
        let reason = ["i00-01", "i01-02"]
            .contains(&evaluation.id.as_str())
            .then(|| "the int8 network: made-up range of no width".to_string());
        assert_eq!(evaluation.failure, reason);
    }
}

#[test]
fn a_killed_quantization_ends_the_search_which_resumes_to_the_same_bytes() {
    let fixture = Fixture::new();
    let options = ["--objectives", "error,flash_bytes"];
    search(&fixture, "whole", &options);
    let whole = [quantized(&fixture), fixture.calls().into_keys().collect()];
    for id in ["i00-00", "i01-03", "i02-05"] {
        let output = command(&fixture, id, &options)
            .args(["--workers", "1"])
            .env("FAKE_QUANTIZE_KILL", id)
            .output()
            .unwrap();
        let error = error_of(&output);
        assert!(
            error.contains(&format!("individuals/{id} cannot be quantized"))
                && error.contains("use --resume"),
            "{error}"
        );
        search(&fixture, id, &[&options[..], &["--resume"]].concat());
        assert_eq!(fixture.result("whole"), fixture.result(id));
        // Only the killed quantization is made again, and no training.
        let mut again = quantized(&fixture);
        let killed = again.iter().position(|quantized| quantized == id).unwrap();
        again.remove(killed);
        again.sort();
        let calls = fixture.calls();
        assert!(calls.values().all(|times| *times == 1), "{calls:?}");
        let mut all = whole.clone();
        all[0].sort();
        assert_eq!([again, calls.into_keys().collect()], all);
    }
}

/// Lost or foreign files of a quantization are made again; whole ones are kept.
#[test]
fn a_quantization_is_reused_for_the_same_weights_alone() {
    let fixture = Fixture::new();
    search(&fixture, "run", &[]);
    quantized(&fixture);
    let resumed = || {
        let log = fixture.path("run/evaluations.jsonl");
        fs::write(log, "").unwrap();
        search(&fixture, "run", &["--resume"]);
        quantized(&fixture)
    };
    assert_eq!(resumed(), [""; 0]);
    let file = |name: &str| fixture.path("run/individuals").join(name);
    fs::remove_file(file("i00-02/int8/quantized.safetensors")).unwrap();
    fs::copy(file("i00-04/int8/outcome.json"), file("i00-03/int8/outcome.json")).unwrap();
    assert_eq!(resumed(), ["i00-02", "i00-03"]);
}

#[test]
fn another_precision_is_another_search_and_a_table_has_none() {
    let fixture = Fixture::new();
    search(&fixture, "run", &[]);
    let error = error_of(&fixture.command("run").arg("--resume").output().unwrap());
    let expected = "precision was \"int8\" when the search began, but is \"f32\" now";
    assert!(error.contains(expected), "{error}");
    fixture.search("f32");
    let error = error_of(&command(&fixture, "f32", &["--resume"]).output().unwrap());
    assert!(error.contains("precision was \"f32\" when the search began"), "{error}");
    let table = command(&fixture, "table", &["--evaluator", "table:none.json"]);
    let error = error_of(&{ table }.output().unwrap());
    assert!(error.contains("a table has no networks to quantize"), "{error}");
    assert!(!fixture.path("table").exists());
    let usage = fixture.command("usage").args(["--precision", "int4"]).output().unwrap();
    assert_eq!(usage.status.code(), Some(2));
}

/// Without a microcontroller, constants are all that counts.
#[test]
fn flash_is_an_objective_and_a_limit_in_f32_too() {
    let fixture = Fixture::new();
    let run = |out: &str, options: &[&str]| {
        let output = fixture.command(out).args(options).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    };
    run("free", &["--objectives", "error,flash_bytes"]);
    assert!(fixture.evaluations("free").iter().all(|e| e.arena_bytes.is_none()));
    let mut sizes = bytes(&fixture, "free", |e| e.flash_bytes);
    sizes.sort_unstable();
    let limit = sizes[sizes.len() / 2];
    let limits = ["--max-flash-bytes", &limit.to_string(), "--max-arena-bytes", "1000000"];
    run("limited", &limits);
    let evaluations = fixture.evaluations("limited");
    let both = |e: &Evaluation| (e.flash_bytes.unwrap(), e.arena_bytes.unwrap());
    assert!(evaluations.len() == 18 && evaluations.iter().all(|e| both(e).0 <= limit));
    assert!(evaluations.iter().all(|e| both(e).0.abs_diff(2 * both(e).1) <= 1));
    let few = json!({
        "left_activation": ["swish"], "right_activation": ["relu"], "condense_layers": [1],
        "feature_extraction_layers": [16], "kernel_size": [3], "optimizer": ["adam", "sgd"],
    });
    fixture.write_profile(&json!({"population": 2, "epochs": 1}), &few);
    let none = fixture.command("none").args(["--max-flash-bytes", "1"]).output().unwrap();
    assert!(error_of(&none).contains("search.max_flash_bytes"), "{}", error_of(&none));
}
