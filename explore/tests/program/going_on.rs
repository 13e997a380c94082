//! Searches that go on to another number of iterations (`--resume --iterations N`).

use super::fixture::{Fixture, error_of, text};
use serde_json::{Value, json};

/// Runs a search with some options to its end.
fn search(fixture: &Fixture, out: &str, options: &[&str]) {
    let output = fixture.command(out).args(options).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// Returns options followed by those of a search of some iterations.
fn to<'a>(iterations: &'a str, options: &[&'a str]) -> Vec<&'a str> {
    [options, &["--iterations", iterations]].concat()
}

/// Returns options followed by those of a search that goes on to some iterations.
fn on_to<'a>(iterations: &'a str, options: &[&'a str]) -> Vec<&'a str> {
    to(iterations, &[options, &["--resume"]].concat())
}

#[test]
fn a_finished_search_goes_on_to_the_bytes_of_a_longer_one() {
    let fixture = Fixture::new();
    search(&fixture, "long", &to("5", &[]));
    assert_eq!(fixture.archive("long").iterations, 5);
    let all = fixture.calls();
    // Of three iterations, as in the profile.
    search(&fixture, "short", &[]);
    let before = fixture.calls();
    assert_ne!(fixture.result("long"), fixture.result("short"));
    search(&fixture, "short", &on_to("4", &[]));
    search(&fixture, "short", &on_to("5", &[]));
    assert_eq!(fixture.result("long"), fixture.result("short"));
    let after = fixture.calls();
    assert!(before.keys().all(|call| !after.contains_key(call)), "{after:?} trained again");
    assert_eq!(before.len() + after.len(), all.len());
    search(&fixture, "short", &on_to("5", &[]));
    assert_eq!((fixture.result("long"), fixture.calls().len()), (fixture.result("short"), 0));
}

/// The strategies, the surrogates, halving, second seeds and measured objectives: none of them
/// looks at the number of iterations.
#[test]
fn every_kind_of_search_goes_on() {
    let profile = json!({
        "population": 6, "archive_size": 6, "iterations": 2, "epochs": 10, "subset": 20,
    });
    let board = ["--board", "made-up", "--objectives", "error,params,latency_s"];
    for (number, options) in [
        &["--surrogate", "gaussian", "--halving", "--reseed-front"][..],
        &["--surrogate", "forest", "--halving"],
        &["--strategy", "nsga2", "--reseed-front"],
        &["--strategy", "random"],
        &["--fitness", "score", "--max-params", "1000000"],
        &board,
        &[&board[..], &["--surrogate", "gaussian", "--max-latency-s", "1e-9"]].concat(),
    ]
    .into_iter()
    .enumerate()
    {
        let fixture = Fixture::with(&profile, &json!({}));
        let (long, short) = (format!("long-{number}"), format!("short-{number}"));
        search(&fixture, &long, &to("4", options));
        search(&fixture, &short, options);
        search(&fixture, &short, &on_to("4", options));
        assert_eq!(fixture.result(&long), fixture.result(&short), "{options:?}");
    }
}

#[test]
fn an_interrupted_search_goes_on_to_more_or_fewer_iterations() {
    let fixture = Fixture::new();
    for iterations in ["2", "4"] {
        let (whole, killed) = (format!("whole-{iterations}"), format!("killed-{iterations}"));
        search(&fixture, &whole, &to(iterations, &[]));
        let mut child = fixture.start_and_hang(&killed, "i01-03", 9);
        child.kill().unwrap();
        child.wait().unwrap();
        search(&fixture, &killed, &on_to(iterations, &[]));
        assert_eq!(fixture.result(&whole), fixture.result(&killed));
    }
}

#[test]
fn fewer_iterations_than_done_are_refused_and_change_nothing() {
    let fixture = Fixture::new();
    fixture.search("run");
    let before = fixture.result("run");
    let refused = |options: &[&str]| {
        let error = error_of(&fixture.command("run").args(options).output().unwrap());
        assert_eq!(fixture.result("run"), before);
        error
    };
    let error = refused(&on_to("2", &[]));
    assert!(
        error.contains("evaluations.jsonl has evaluations of 3 iterations already, so it cannot end after 2: ask for --iterations 3 or more"),
        "{error}"
    );
    assert!(refused(&on_to("0", &[])).contains("search.iterations 0 must be 1 to 100000"));
    assert!(refused(&to("5", &[])).contains("go on with --resume"));
    assert!(refused(&on_to("5", &["--seed", "3"])).contains("seed was 0 when the search began"));
}

#[test]
fn a_profile_with_another_number_needs_the_option() {
    let fixture = Fixture::new();
    fixture.search("run");
    search(&fixture, "run", &on_to("4", &[]));
    let error = error_of(&fixture.command("run").arg("--resume").output().unwrap());
    assert!(
        error.contains("search.iterations was 4 when the search began, but is 3 now; say with --iterations to which"),
        "{error}"
    );
}

/// A search that its criteria have ended stays ended, as one of more iterations would have.
#[test]
fn a_search_that_met_its_criteria_does_not_go_on() {
    let fixture = Fixture::new();
    fixture.search("whole");
    let first = fixture.evaluations("whole").into_iter().filter(|e| e.iteration == 0);
    let best = first.filter_map(|e| e.accuracy).fold(0.0, f64::max).to_string();
    let options = ["--min-accuracy", best.as_str()];
    search(&fixture, "long", &to("5", &options));
    search(&fixture, "short", &options);
    fixture.calls();
    search(&fixture, "short", &on_to("5", &options));
    assert_eq!((fixture.result("long"), fixture.calls().len()), (fixture.result("short"), 0));
    let archive = fixture.archive("short");
    assert_eq!((archive.iterations, archive.criteria_met_by.is_some()), (1, true));
    let config: Value = serde_json::from_slice(&fixture.result("short")["search.json"]).unwrap();
    assert_eq!(config["search"]["iterations"], json!(5));
}
