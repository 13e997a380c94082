//! Searches with measurements on a board, with working memory, with second seeds, and with
//! successive halving.

use super::fixture::{Fixture, error_of, text};
use common::search::archive::{Archive, Individual};
use serde_json::{Value, json};
use std::fs;

fn front(archive: &Archive) -> Vec<&Individual> {
    archive.individuals.iter().filter(|individual| individual.on_front).collect()
}

/// Runs a search with some options to its end and returns the JSON that it printed.
fn search(fixture: &Fixture, out: &str, options: &[&str]) -> Value {
    let output = fixture.command(out).args(options).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_front_is_measured_and_the_search_ends_when_an_individual_meets_all_criteria() {
    let fixture = Fixture::new();
    let whole = search(&fixture, "whole", &["--board", "made-up"]);
    assert_eq!((&whole["iterations"], &whole["criteria_met_by"]), (&json!(3), &Value::Null));
    let archive = fixture.archive("whole");
    assert!(front(&archive).iter().all(|individual| individual.evaluation.latency_s.is_some()));
    assert!(fixture.evaluations("whole").iter().all(|evaluation| evaluation.latency_s.is_none()));
    let calls = fixture.measured();
    assert!(
        calls.len() > front(&archive).len() && calls.values().all(|times| *times == 1),
        "{calls:?}"
    );
    // The criteria are the accuracy and latency of the individual with the highest Score.
    let best =
        front(&archive).into_iter().max_by(|a, b| a.nid.partial_cmp(&b.nid).unwrap()).unwrap();
    let (latency, accuracy) =
        (best.evaluation.latency_s.unwrap(), best.evaluation.accuracy.unwrap());
    let criteria = [
        "--board",
        "made-up",
        "--max-latency-s",
        &latency.to_string(),
        "--min-accuracy",
        &accuracy.to_string(),
    ];
    let met = search(&fixture, "met", &criteria);
    let by = met["criteria_met_by"].as_str().unwrap();
    assert_eq!(met["iterations"], json!(fixture.evaluations("met").last().unwrap().iteration + 1));
    assert!(by <= best.evaluation.id.as_str(), "{by} is not later than {}", best.evaluation.id);
    assert_eq!(fixture.archive("met").criteria_met_by.as_deref(), Some(by));
    let winner = fs::read(fixture.path("met/winners/1/genome.json")).unwrap();
    assert_eq!(
        winner,
        fs::read(fixture.path("met/individuals").join(by).join("genome.json")).unwrap()
    );
    // The board may be a file, and be on another machine.
    let file = fixture.path("watched.json");
    search(&fixture, "file", &["--board", file.to_str().unwrap(), "--board-host", "pi@pi"]);
    assert!(fixture.measured().contains_key("host pi@pi"));
}

#[test]
fn a_search_whose_criteria_are_not_met_runs_to_its_end_and_says_so() {
    let fixture = Fixture::new();
    let output = fixture.command("run").args(["--min-accuracy", "1"]).output().unwrap();
    assert!(output.status.success());
    assert!(
        text(&output.stderr).contains("no individual meets all criteria"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(fixture.archive("run").iterations, 3);
}

#[test]
fn a_search_that_cannot_measure_ends_before_any_training() {
    let fixture = Fixture::new();
    let refused = |options: &[&str], words: &str| {
        let error = error_of(&fixture.command("run").args(options).output().unwrap());
        assert!(error.contains(words), "{error}");
        fs::remove_dir_all(fixture.path("run")).ok();
    };
    refused(&["--board", "made-up", "--max-energy-j", "1"], "the board made-up has no meter");
    let watched = fixture.path("watched.json");
    let watched = watched.to_str().unwrap();
    refused(
        &["--board", watched, "--max-energy-j", "1"],
        "energy is required, but made up not to be there",
    );
    refused(
        &["--board", watched, "--max-power-w", "1"],
        "energy is required, but made up not to be there",
    );
    refused(
        &["--board", watched, "--objectives", "error,energy_j"],
        "a trial on the board made-up, before any training",
    );
    refused(&["--board", "elsewhere"], "there is no board \"elsewhere\"; known boards: host, ");
    refused(&["--objectives", "error,latency_s"], "name it with --board");
    refused(&["--objectives", "params,error"], "search.objectives must be \"error\" and then");
    refused(&["--board", "made-up", "--max-latency-s", "0"], "must be above 0 seconds");
    refused(&["--board", "made-up", "--max-power-w", "0"], "must be above 0 watts");
    let output = fixture
        .command("run")
        .args(["--max-arena-bytes", "10"])
        .env("FAKE_NO_CODEGEN", "1")
        .output()
        .unwrap();
    assert!(error_of(&output).contains("codegen plan: made-up failure of codegen"));
    assert_eq!(fixture.calls().len(), 0);
    let usage = fixture.command("run").args(["--max-latency-s", "1"]).output().unwrap();
    assert_eq!(usage.status.code(), Some(2));
}

#[test]
fn an_emulated_board_gives_memory_but_neither_latency_nor_energy() {
    let fixture = Fixture::new();
    let file = fixture.path("emulated.json");
    let board = ["--board", file.to_str().unwrap()];
    let error =
        |more: &[&str]| error_of(&fixture.command("run").args(board).args(more).output().unwrap());
    for (options, asked) in [
        (["--max-latency-s", "1"], "--max-latency-s"),
        (["--max-energy-j", "1"], "--max-energy-j"),
        (["--max-power-w", "1"], "--max-power-w"),
        (["--objectives", "error,latency_s"], "the objective latency_s"),
        (["--objectives", "error,params,energy_j"], "the objective energy_j"),
    ] {
        let error = error(&options);
        let expected = format!(
            "{asked} needs a real board, but made-up-qemu is emulated: its times are those of an"
        );
        assert!(error.contains(&expected), "{error}");
    }
    assert_eq!((fixture.calls().len(), fixture.path("run").exists()), (0, false));
    search(&fixture, "run", &[&board[..], &["--objectives", "error,arena_bytes"]].concat());
    let evaluations =
        fixture.archive("run").individuals.into_iter().map(|individual| individual.evaluation);
    assert!(
        evaluations
            .into_iter()
            .all(|e| e.arena_bytes.is_some() && e.latency_s.is_none() && e.energy_j.is_none())
    );
    assert_eq!(fixture.measured().len(), 0);
}

#[test]
fn an_unplugged_board_ends_the_search_and_nothing_is_trained_or_measured_twice() {
    let fixture = Fixture::new();
    let options = ["--board", "made-up", "--objectives", "error,params,latency_s"];
    search(&fixture, "whole", &options);
    let archive = fixture.archive("whole");
    assert!(archive.individuals.iter().all(|individual| individual.evaluation.latency_s.is_some()));
    fixture.calls();
    let measured = fixture.measured();
    // All of three populations, and the network of the check before the search.
    assert_eq!(measured.len(), 18 + 1);
    let unplugged = |after: &str, options: &[&str]| {
        let mut command = fixture.command("cut");
        error_of(&command.args(options).env("FAKE_UNPLUGGED_AFTER", after).output().unwrap())
    };
    let error = unplugged("0", &options);
    assert!(
        error.contains("a trial on the board") && error.contains("made up to be unplugged"),
        "{error}"
    );
    assert_eq!((fixture.calls().len(), fixture.path("cut/archive.json").exists()), (0, false));
    let resumed = [&options[..], &["--resume"]].concat();
    let error = unplugged("4", &resumed);
    assert!(
        error.contains(
            "i00-03 cannot be measured on the board made-up; correct the cause and use --resume"
        ),
        "{error}"
    );
    search(&fixture, "cut", &resumed);
    assert_eq!(fixture.result("whole"), fixture.result("cut"));
    let (trained, again) = (fixture.calls(), fixture.measured());
    assert!(
        trained.values().all(|times| *times == 1) && again == measured,
        "{trained:?} {again:?}"
    );
    let records = || {
        fs::read_dir(fixture.path("cut/measurements")).unwrap().map(|entry| entry.unwrap().path())
    };
    let lost = records().next().unwrap();
    fs::remove_file(&lost).unwrap();
    search(&fixture, "cut", &resumed);
    assert_eq!((fixture.measured().len(), records().count()), (1, 19));
    assert_eq!(fixture.result("whole"), fixture.result("cut"));
}

#[test]
fn another_board_is_another_search() {
    let fixture = Fixture::new();
    search(&fixture, "run", &["--board", "made-up"]);
    let file = fixture.path("watched.json");
    let error =
        error_of(&fixture.command("run").args(["--resume", "--board"]).arg(file).output().unwrap());
    assert!(error.contains("board.meter was"), "{error}");
    let error = error_of(&fixture.command("run").arg("--resume").output().unwrap());
    assert!(error.contains("board was"), "{error}");
}

#[test]
fn memory_is_an_objective_and_a_limit() {
    let fixture = Fixture::new();
    search(&fixture, "free", &["--objectives", "error,arena_bytes"]);
    let mut bytes: Vec<u64> =
        fixture.evaluations("free").iter().map(|e| e.arena_bytes.unwrap()).collect();
    bytes.sort_unstable();
    let limit = bytes[bytes.len() / 2];
    search(&fixture, "limited", &["--max-arena-bytes", &limit.to_string()]);
    let evaluations = fixture.evaluations("limited");
    assert!(evaluations.len() == 18 && evaluations.iter().all(|e| e.arena_bytes.unwrap() <= limit));
    assert!(evaluations.iter().any(|e| e.arena_bytes.unwrap() > bytes[0]));
}

/// A killed `codegen plan` must not make a genome infeasible.
#[test]
fn a_plan_that_is_killed_ends_the_search_and_changes_nothing() {
    let fixture = Fixture::new();
    let options = ["--max-arena-bytes", "1000000"];
    search(&fixture, "whole", &options);
    let mut killed = fixture.command("killed");
    let error =
        error_of(&killed.args(options).env("FAKE_PLANS", fixture.path("plans")).output().unwrap());
    assert!(
        error.contains("codegen cannot be used; correct the cause and use --resume: codegen plan ended with signal: 9"),
        "{error}"
    );
    search(&fixture, "killed", &[&options[..], &["--resume"]].concat());
    assert_eq!(fixture.result("whole"), fixture.result("killed"));
}

#[test]
fn with_the_gaussian_process_no_second_seed_is_spent_beyond_the_region() {
    let seconds = |worst_error: f64| {
        let settings = json!({
            "population": 6, "archive_size": 6, "iterations": 3, "epochs": 2, "subset": 20,
            "surrogate": "gaussian", "reseed_front": true, "worst_error": worst_error,
        });
        let fixture = Fixture::with(&settings, &json!({}));
        fixture.search("run");
        let of = |individual: &Individual| {
            let evaluation = &individual.evaluation;
            (1.0 - evaluation.accuracy.unwrap(), evaluation.second_accuracy.is_some())
        };
        front(&fixture.archive("run")).into_iter().map(of).collect::<Vec<(f64, bool)>>()
    };
    assert!(seconds(1.0).iter().all(|(_, second)| *second));
    let region = seconds(0.15);
    assert!(region.iter().all(|(error, second)| *second || *error > 0.15), "{region:?}");
    assert!(region.iter().any(|(_, second)| !second), "{region:?}");
}

#[test]
fn the_front_is_trained_with_a_second_seed_and_ranked_by_the_mean() {
    let fixture = Fixture::new();
    search(&fixture, "run", &["--reseed-front"]);
    let archive = fixture.archive("run");
    let calls = fixture.calls();
    assert!(calls.values().all(|times| *times == 1), "{calls:?}");
    for individual in front(&archive) {
        let evaluation = &individual.evaluation;
        let second = evaluation.second_accuracy.unwrap();
        let log = fixture.evaluations("run");
        let first = log.iter().find(|e| e.id == evaluation.id).unwrap().accuracy.unwrap();
        assert_eq!(evaluation.accuracy, Some((first + second) / 2.0));
        assert!(calls.contains_key(&format!("{}-second 20", evaluation.id)));
    }
    let seconds = calls.keys().filter(|call| call.contains("-second")).count();
    assert!(seconds >= front(&archive).len() && seconds < 18, "{seconds}");
    // A second training that diverges counts as 0.
    let seconds =
        "i00-00-second i00-01-second i00-02-second i00-03-second i00-04-second i00-05-second";
    let output = fixture
        .command("diverging")
        .arg("--reseed-front")
        .env("FAKE_DIVERGE", seconds)
        .output()
        .unwrap();
    assert!(output.status.success());
    let diverged = fixture
        .archive("diverging")
        .individuals
        .into_iter()
        .map(|individual| individual.evaluation);
    for evaluation in diverged.filter(|e| e.iteration == 0 && e.second_accuracy.is_some()) {
        assert_eq!(evaluation.second_accuracy, Some(0.0));
    }
    // A killed second training is no result, and is repeated by --resume.
    let error = error_of(
        &fixture
            .command("killed")
            .arg("--reseed-front")
            .env("FAKE_KILL", seconds)
            .output()
            .unwrap(),
    );
    assert!(
        error.contains("-second: its training failed twice") && error.contains("signal 9"),
        "{error}"
    );
    search(&fixture, "killed", &["--reseed-front", "--resume"]);
    assert_eq!(fixture.result("run"), fixture.result("killed"));
}

/// A partial training is killed after an earlier one of the same candidate, whose accuracy is kept.
#[test]
fn a_killed_partial_training_is_repeated_and_is_no_result() {
    let fixture = Fixture::with(
        &json!({
            "population": 6, "archive_size": 6, "iterations": 2, "epochs": 10,
            "halving": [0.4, 0.7],
        }),
        &json!({}),
    );
    fixture.search("whole");
    let calls = fixture.calls();
    let id = calls.keys().find_map(|call| call.strip_suffix(" to 7")).unwrap().to_string();
    let id = id.split_once(' ').unwrap().0;
    let later = |command: &mut std::process::Command| {
        _ = command.env("FAKE_KILL", id).env("FAKE_KILL_FROM", "7");
    };
    let mut command = fixture.command("killed");
    later(&mut command);
    let error = error_of(&command.output().unwrap());
    assert!(error.contains(&format!("individuals/{id}: its training failed twice")), "{error}");
    fixture.calls();
    search(&fixture, "killed", &["--resume"]);
    assert_eq!(fixture.result("whole"), fixture.result("killed"));
    assert!(!fixture.calls().keys().any(|call| call.ends_with(" to 4") && call.starts_with("i00")));
    fs::create_dir(fixture.path("once")).unwrap();
    let mut command = fixture.command("once-killed");
    later(&mut command);
    assert!(command.env("FAKE_ONCE", fixture.path("once")).output().unwrap().status.success());
    assert_eq!(fixture.result("whole"), fixture.result("once-killed"));
}

#[test]
fn a_killed_search_with_halving_and_second_seeds_resumes_to_the_same_bytes() {
    let fixture = Fixture::with(
        &json!({
            "population": 6, "archive_size": 6, "iterations": 3, "epochs": 10,
            "halving": [0.4, 0.7], "reseed_front": true,
        }),
        &json!({}),
    );
    fixture.search("whole");
    let whole = fixture.calls();
    let stopped = fixture.evaluations("whole").iter().filter(|e| e.stopped_after.is_some()).count();
    assert!(stopped >= 12, "{stopped}");
    // Killed in the first partial training of the second population, in a later one of the third,
    // and in a second seed of the first.
    for id in ["i01-02", "i02-05", "i00-0"] {
        let out = format!("killed-{id}");
        let id = match id {
            "i00-0" => {
                whole
                    .keys()
                    .find_map(|call| call.split_once(" ").filter(|c| c.0.ends_with("-second")))
                    .unwrap()
                    .0
            }
            id => id,
        };
        let mut child = fixture.start_and_hang(&out, id, 0);
        child.kill().unwrap();
        child.wait().unwrap();
        let before = fixture.calls();
        let output = fixture.command(&out).arg("--resume").output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(fixture.result("whole"), fixture.result(&out));
        let after = fixture.calls();
        // Three trainings run at a time: only the interrupted ones are repeated.
        let again: Vec<&String> = after.keys().filter(|call| before.contains_key(*call)).collect();
        assert!(again.len() <= 3, "{again:?}");
    }
}
