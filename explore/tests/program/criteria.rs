//! Criteria in the profile (`search.criteria`), over which options take precedence.

use super::fixture::{Fixture, error_of, text};
use common::files::json;
use common::search::config::SearchConfig;
use serde_json::{Value, json};

fn fixture(criteria: &Value) -> Fixture {
    let search = json!({
        "population": 6, "archive_size": 6, "iterations": 3, "epochs": 2, "subset": 20,
        "criteria": criteria,
    });
    Fixture::with(&search, &json!({}))
}

fn search(fixture: &Fixture, out: &str, options: &[&str]) -> SearchConfig {
    let output = fixture.command(out).args(options).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let path = fixture.path(out).join("search.json");
    // As the effective criteria only.
    assert!(
        !std::fs::read_to_string(&path)
            .unwrap()
            .replacen("\"criteria\"", "", 1)
            .contains("criteria")
    );
    json::read(&path).unwrap()
}

#[test]
fn criteria_of_the_profile_end_the_search_like_those_of_options() {
    let fixture = fixture(&json!({"min_accuracy": 0.41}));
    let config = search(&fixture, "profile", &[]);
    assert_eq!(config.criteria.general.min_accuracy, Some(0.41));
    assert_eq!(fixture.archive("profile").iterations, 1);
    // The same search with the option alone has the same bytes.
    let other = Fixture::new();
    search(&other, "option", &["--min-accuracy", "0.41"]);
    assert_eq!(fixture.result("profile"), other.result("option"));
    let config = search(&fixture, "both", &["--min-accuracy", "1"]);
    assert_eq!(config.criteria.general.min_accuracy, Some(1.0));
    assert_eq!(fixture.archive("both").iterations, 3);
}

#[test]
fn each_option_takes_precedence_alone() {
    let fixture = fixture(&json!({"min_accuracy": 0.999, "max_latency_s": 0.25}));
    let board = ["--board", "made-up"];
    let config = search(&fixture, "run", &[&board[..], &["--max-latency-s", "0.5"]].concat());
    let criteria = config.criteria.general;
    assert_eq!((criteria.min_accuracy, criteria.max_latency_s), (Some(0.999), Some(0.5)));
}

#[test]
fn criteria_that_cannot_be_measured_are_refused_before_any_training() {
    for (criteria, board, words) in [
        (
            json!({"max_latency_s": 0.1}),
            None,
            "search.criteria.max_latency_s of the profile is measured on a board: name it with --board",
        ),
        (
            json!({"max_energy_j": 0.1}),
            Some("emulated.json"),
            "search.criteria.max_energy_j of the profile needs a real board, but made-up-qemu is",
        ),
        (
            json!({"max_power_w": 2}),
            None,
            "search.criteria.max_power_w of the profile is measured on a board: name it with --board",
        ),
        (json!({"max_power_w": 2}), Some("made-up"), "the board made-up has no meter"),
        (json!({"max_energy_j": 1}), Some("made-up"), "the board made-up has no meter"),
        (json!({"min_accuracy": 2}), None, "search.criteria: min_accuracy"),
        (json!({"max_latency_s": 0}), None, "search.criteria: max_latency_s: the longest latency"),
    ] {
        let fixture = fixture(&criteria);
        let mut command = fixture.command("run");
        if let Some(board) = board {
            let file = fixture.path(board);
            command.arg("--board").arg(if file.exists() { file } else { board.into() });
        }
        let error = error_of(&command.output().unwrap());
        assert!(error.contains(words), "{error}");
        assert_eq!(fixture.calls().len(), 0);
    }
}
