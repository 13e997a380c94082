//! Searches that look closer: on a board, at memory, with a second seed, in legs.

use super::world::{World, error_of, text};
use common::search_files::{Archive, Individual};
use serde_json::{Value, json};
use std::fs;

fn front(archive: &Archive) -> Vec<&Individual> {
    archive.individuals.iter().filter(|individual| individual.on_front).collect()
}

/// Runs a search with some options to its end and returns what it printed.
fn search(world: &World, out: &str, options: &[&str]) -> Value {
    let output = world.command(out).args(options).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_front_is_measured_and_the_search_ends_when_one_meets_all_criteria() {
    let world = World::new();
    let whole = search(&world, "whole", &["--board", "made-up"]);
    assert_eq!((&whole["iterations"], &whole["criteria_met_by"]), (&json!(3), &Value::Null));
    let archive = world.archive("whole");
    assert!(front(&archive).iter().all(|individual| individual.evaluation.latency_s.is_some()));
    assert!(world.evaluations("whole").iter().all(|evaluation| evaluation.latency_s.is_none()));
    let calls = world.measured();
    assert!(
        calls.len() > front(&archive).len() && calls.values().all(|times| *times == 1),
        "{calls:?}"
    );
    // What the most accurate of them takes is asked for.
    let best =
        front(&archive).into_iter().max_by(|a, b| a.nid.partial_cmp(&b.nid).unwrap()).unwrap();
    let (latency, accuracy) =
        (best.evaluation.latency_s.unwrap(), best.evaluation.accuracy.unwrap());
    let asked = [
        "--board",
        "made-up",
        "--max-latency-s",
        &latency.to_string(),
        "--min-accuracy",
        &accuracy.to_string(),
    ];
    let met = search(&world, "met", &asked);
    let by = met["criteria_met_by"].as_str().unwrap();
    assert_eq!(met["iterations"], json!(world.evaluations("met").last().unwrap().iteration + 1));
    assert!(by <= best.evaluation.id.as_str(), "{by} is not later than {}", best.evaluation.id);
    assert_eq!(world.archive("met").criteria_met_by.as_deref(), Some(by));
    let winner = fs::read(world.path("met/winners/1/genome.json")).unwrap();
    assert_eq!(
        winner,
        fs::read(world.path("met/individuals").join(by).join("genome.json")).unwrap()
    );
    // A board that is a file, and far away.
    let file = world.path("watched.json");
    search(&world, "file", &["--board", file.to_str().unwrap(), "--board-host", "pi@pi"]);
    assert!(world.measured().contains_key("host pi@pi"));
}

#[test]
fn criteria_that_nobody_meets_leave_the_whole_search_and_say_so() {
    let world = World::new();
    let output = world.command("run").args(["--min-accuracy", "1"]).output().unwrap();
    assert!(output.status.success());
    assert!(
        text(&output.stderr).contains("no individual meets all criteria"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(world.archive("run").iterations, 3);
}

#[test]
fn what_cannot_be_measured_ends_the_search_before_any_training() {
    let world = World::new();
    let refused = |options: &[&str], words: &str| {
        let error = error_of(&world.command("run").args(options).output().unwrap());
        assert!(error.contains(words), "{error}");
        fs::remove_dir_all(world.path("run")).ok();
    };
    refused(&["--board", "made-up", "--max-energy-j", "1"], "the board made-up has no meter");
    let watched = world.path("watched.json");
    let watched = watched.to_str().unwrap();
    refused(
        &["--board", watched, "--max-energy-j", "1"],
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
    let output = world
        .command("run")
        .args(["--max-arena-bytes", "10"])
        .env("FAKE_NO_CODEGEN", "1")
        .output()
        .unwrap();
    assert!(error_of(&output).contains("codegen plan failed: error: made-up failure of codegen"));
    assert_eq!(world.calls().len(), 0);
    let usage = world.command("run").args(["--max-latency-s", "1"]).output().unwrap();
    assert_eq!(usage.status.code(), Some(2));
}

#[test]
fn an_emulated_board_has_memory_and_neither_time_nor_energy() {
    let world = World::new();
    let file = world.path("emulated.json");
    let board = ["--board", file.to_str().unwrap()];
    let error =
        |more: &[&str]| error_of(&world.command("run").args(board).args(more).output().unwrap());
    for (options, asked) in [
        (["--max-latency-s", "1"], "--max-latency-s"),
        (["--max-energy-j", "1"], "--max-energy-j"),
        (["--objectives", "error,latency_s"], "the objective latency_s"),
        (["--objectives", "error,params,energy_j"], "the objective energy_j"),
    ] {
        let error = error(&options);
        let expected = format!(
            "{asked} needs a real board, but made-up-qemu is emulated: its times are those of an"
        );
        assert!(error.contains(&expected), "{error}");
    }
    assert_eq!((world.calls().len(), world.path("run").exists()), (0, false));
    search(&world, "run", &[&board[..], &["--objectives", "error,arena_bytes"]].concat());
    let evaluations =
        world.archive("run").individuals.into_iter().map(|individual| individual.evaluation);
    assert!(
        evaluations
            .into_iter()
            .all(|e| e.arena_bytes.is_some() && e.latency_s.is_none() && e.energy_j.is_none())
    );
    assert_eq!(world.measured().len(), 0);
}

#[test]
fn a_board_that_vanishes_ends_the_search_and_nothing_is_trained_or_measured_twice() {
    let world = World::new();
    let options = ["--board", "made-up", "--objectives", "error,params,latency_s"];
    search(&world, "whole", &options);
    let archive = world.archive("whole");
    assert!(archive.individuals.iter().all(|individual| individual.evaluation.latency_s.is_some()));
    world.calls();
    let measured = world.measured();
    // One of a whole population and the trial are measured.
    assert_eq!(measured.len(), 18 + 1);
    let unplugged = |after: &str, options: &[&str]| {
        let mut command = world.command("cut");
        error_of(&command.args(options).env("FAKE_UNPLUGGED_AFTER", after).output().unwrap())
    };
    let error = unplugged("0", &options);
    assert!(
        error.contains("a trial on the board") && error.contains("made up to be unplugged"),
        "{error}"
    );
    assert_eq!((world.calls().len(), world.path("cut/archive.json").exists()), (0, false));
    let resumed = [&options[..], &["--resume"]].concat();
    let error = unplugged("4", &resumed);
    assert!(
        error.contains("i00-03 cannot be measured on the board made-up; mend it and --resume"),
        "{error}"
    );
    search(&world, "cut", &resumed);
    assert_eq!(world.result("whole"), world.result("cut"));
    let (trained, again) = (world.calls(), world.measured());
    assert!(
        trained.values().all(|times| *times == 1) && again == measured,
        "{trained:?} {again:?}"
    );
    let records =
        || fs::read_dir(world.path("cut/measurements")).unwrap().map(|entry| entry.unwrap().path());
    let lost = records().next().unwrap();
    fs::remove_file(&lost).unwrap();
    search(&world, "cut", &resumed);
    assert_eq!((world.measured().len(), records().count()), (1, 19));
    assert_eq!(world.result("whole"), world.result("cut"));
}

#[test]
fn another_board_is_another_search() {
    let world = World::new();
    search(&world, "run", &["--board", "made-up"]);
    let file = world.path("watched.json");
    let error =
        error_of(&world.command("run").args(["--resume", "--board"]).arg(file).output().unwrap());
    assert!(error.contains("board.meter was"), "{error}");
    let error = error_of(&world.command("run").arg("--resume").output().unwrap());
    assert!(error.contains("board was"), "{error}");
}

#[test]
fn memory_is_an_objective_and_a_limit() {
    let world = World::new();
    search(&world, "free", &["--objectives", "error,arena_bytes"]);
    let mut bytes: Vec<u64> =
        world.evaluations("free").iter().map(|e| e.arena_bytes.unwrap()).collect();
    bytes.sort_unstable();
    let limit = bytes[bytes.len() / 2];
    search(&world, "limited", &["--max-arena-bytes", &limit.to_string()]);
    let evaluations = world.evaluations("limited");
    assert!(evaluations.len() == 18 && evaluations.iter().all(|e| e.arena_bytes.unwrap() <= limit));
    assert!(evaluations.iter().any(|e| e.arena_bytes.unwrap() > bytes[0]));
}

/// A genome whose plan is killed is not one that is too large.
#[test]
fn a_plan_that_is_killed_ends_the_search_and_changes_nothing() {
    let world = World::new();
    let options = ["--max-arena-bytes", "1000000"];
    search(&world, "whole", &options);
    let mut killed = world.command("killed");
    let error =
        error_of(&killed.args(options).env("FAKE_PLANS", world.path("plans")).output().unwrap());
    assert!(
        error.contains("--resume goes on once this is mended: codegen plan ended with signal: 9"),
        "{error}"
    );
    search(&world, "killed", &[&options[..], &["--resume"]].concat());
    assert_eq!(world.result("whole"), world.result("killed"));
}

#[test]
fn the_front_has_a_second_seed_and_goes_by_the_mean() {
    let world = World::new();
    search(&world, "run", &["--reseed-front"]);
    let archive = world.archive("run");
    let calls = world.calls();
    assert!(calls.values().all(|times| *times == 1), "{calls:?}");
    for individual in front(&archive) {
        let evaluation = &individual.evaluation;
        let second = evaluation.second_accuracy.unwrap();
        let log = world.evaluations("run");
        let first = log.iter().find(|e| e.id == evaluation.id).unwrap().accuracy.unwrap();
        assert_eq!(evaluation.accuracy, Some((first + second) / 2.0));
        assert!(calls.contains_key(&format!("{}-second 20", evaluation.id)));
    }
    let seconds = calls.keys().filter(|call| call.contains("-second")).count();
    assert!(seconds >= front(&archive).len() && seconds < 18, "{seconds}");
    // A second training that diverges counts as 0.
    let seconds =
        "i00-00-second i00-01-second i00-02-second i00-03-second i00-04-second i00-05-second";
    let output = world
        .command("diverging")
        .arg("--reseed-front")
        .env("FAKE_DIVERGE", seconds)
        .output()
        .unwrap();
    assert!(output.status.success());
    let diverged =
        world.archive("diverging").individuals.into_iter().map(|individual| individual.evaluation);
    for evaluation in diverged.filter(|e| e.iteration == 0 && e.second_accuracy.is_some()) {
        assert_eq!(evaluation.second_accuracy, Some(0.0));
    }
    // One that is killed counts as nothing, and is made once it can be.
    let error = error_of(
        &world.command("killed").arg("--reseed-front").env("FAKE_KILL", seconds).output().unwrap(),
    );
    assert!(
        error.contains("-second: its training failed twice") && error.contains("signal 9"),
        "{error}"
    );
    search(&world, "killed", &["--reseed-front", "--resume"]);
    assert_eq!(world.result("run"), world.result("killed"));
}

/// The trouble comes in a later leg: what the first one reached is kept.
#[test]
fn a_leg_that_is_killed_is_made_again_and_is_no_result() {
    let world = World::with(
        &json!({"population": 6, "archive_size": 6, "iterations": 2, "epochs": 10, "halving": [0.4, 0.7]}),
        &json!({}),
    );
    world.search("whole");
    let calls = world.calls();
    let id = calls.keys().find_map(|call| call.strip_suffix(" to 7")).unwrap().to_string();
    let id = id.split_once(' ').unwrap().0;
    let later = |command: &mut std::process::Command| {
        _ = command.env("FAKE_KILL", id).env("FAKE_KILL_FROM", "7")
    };
    let mut command = world.command("killed");
    later(&mut command);
    let error = error_of(&command.output().unwrap());
    assert!(error.contains(&format!("individuals/{id}: its training failed twice")), "{error}");
    world.calls();
    search(&world, "killed", &["--resume"]);
    assert_eq!(world.result("whole"), world.result("killed"));
    assert!(!world.calls().keys().any(|call| call.ends_with(" to 4") && call.starts_with("i00")));
    fs::create_dir(world.path("once")).unwrap();
    let mut command = world.command("once-killed");
    later(&mut command);
    assert!(command.env("FAKE_ONCE", world.path("once")).output().unwrap().status.success());
    assert_eq!(world.result("whole"), world.result("once-killed"));
}

#[test]
fn a_search_in_legs_and_with_second_seeds_survives_a_kill_to_the_byte() {
    let world = World::with(
        &json!({"population": 6, "archive_size": 6, "iterations": 3, "epochs": 10, "halving": [0.4, 0.7], "reseed_front": true}),
        &json!({}),
    );
    world.search("whole");
    let whole = world.calls();
    let stopped = world.evaluations("whole").iter().filter(|e| e.stopped_after.is_some()).count();
    assert!(stopped >= 12, "{stopped}");
    // At each of the first leg of the second population, a later leg of the third, and a second
    // seed of the first.
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
        let mut child = world.start_and_hang(&out, id, 0);
        child.kill().unwrap();
        child.wait().unwrap();
        let before = world.calls();
        let output = world.command(&out).arg("--resume").output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(world.result("whole"), world.result(&out));
        let after = world.calls();
        // Three trainings at a time: only those that were under way are made again.
        let again: Vec<&String> = after.keys().filter(|call| before.contains_key(*call)).collect();
        assert!(again.len() <= 3, "{again:?}");
    }
}
