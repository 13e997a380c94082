//! Searches on several boards.

use super::fixture::{Fixture, error_of, text};
use common::search::archive::Archive;
use common::search::evaluation::Evaluation;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;

/// The boards of most tests, which have the same platform.
const BOTH: [&str; 4] = ["--board", "made-up", "--board", "other"];

/// Adds to the board made-up the boards `other` of the same platform, and `server` of another one.
fn fixture(search: &Value) -> Fixture {
    let fixture = Fixture::with(search, &json!({}));
    let text = fs::read_to_string(fixture.path("pipelines/boards/made-up.json")).unwrap();
    let mut board: Value = serde_json::from_str(&text).unwrap();
    board["name"] = json!("other");
    fixture.write_board("pipelines/boards/other", &board);
    board["name"] = json!("server");
    board["platform"] = json!("x86_64");
    fixture.write_board("pipelines/boards/server", &board);
    fixture
}

fn settings() -> Value {
    json!({"population": 6, "archive_size": 6, "iterations": 3, "epochs": 2, "subset": 20})
}

/// Runs a search with some options to its end and returns what it wrote on stderr.
fn search(fixture: &Fixture, out: &str, options: &[&str]) -> String {
    let mut command = fixture.command(out);
    let output =
        command.args(options).env("FAKE_GENERATED", fixture.path("crates")).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stderr)
}

fn refused(fixture: &Fixture, options: &[&str]) -> String {
    error_of(&fixture.command("refused").args(options).output().unwrap())
}

/// Returns the number of crates that were generated since the last call.
fn generated(fixture: &Fixture) -> usize {
    let text = fs::read_to_string(fixture.path("crates")).unwrap_or_default();
    let _ = fs::remove_file(fixture.path("crates"));
    text.lines().count()
}

/// Returns all files of a search that must not depend on its course, the figure of costs included.
fn result(fixture: &Fixture, out: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = fixture.result(out);
    let cost = fixture.path(out).join("cost.svg");
    files.extend(fs::read(&cost).ok().map(|svg| ("cost.svg".to_string(), svg)));
    files
}

fn front(archive: &Archive) -> impl Iterator<Item = &Evaluation> {
    archive.individuals.iter().filter(|i| i.on_front).map(|individual| &individual.evaluation)
}

fn latency(evaluation: &Evaluation, board: &str) -> Option<f64> {
    evaluation.boards.get(board)?.latency_s
}

#[test]
fn the_only_board_may_be_named() {
    let fixture = fixture(&settings());
    let board = ["--board", "made-up"];
    for (number, [bare, named]) in [
        [["--objectives", "error,latency_s"], ["--objectives", "error,latency_s@made-up"]],
        [["--objectives", "error,flash_bytes"], ["--objectives", "error,flash_bytes@made-up"]],
        [["--max-latency-s", "0.002"], ["--max-latency-s", "0.002@made-up"]],
        [["--max-arena-bytes", "900000"], ["--max-arena-bytes", "900000@made-up"]],
        [["--board-host", "pi@pi"], ["--board-host", "made-up=pi@pi"]],
    ]
    .into_iter()
    .enumerate()
    {
        let outs = [format!("bare-{number}"), format!("named-{number}")];
        search(&fixture, &outs[0], &[&board[..], &bare].concat());
        search(&fixture, &outs[1], &[&board[..], &named].concat());
        let files = result(&fixture, &outs[0]);
        assert_eq!(files, result(&fixture, &outs[1]), "{named:?}");
        for name in ["search.json", "archive.json", "evaluations.jsonl"] {
            assert!(!text(&files[name]).contains("boards"), "{name}");
        }
    }
    // The same in a profile, over whose keys an option takes precedence under either name.
    for (criterion, objective, out) in [
        ("max_latency_s", "latency_s@made-up", "bare-p"),
        ("max_latency_s@made-up", "latency_s", "named-p"),
    ] {
        let mut profile = settings();
        profile["criteria"] = json!({criterion: 0.002});
        profile["objectives"] = json!(["error", objective]);
        fixture.write_profile(&profile, &json!({}));
        search(&fixture, out, &board);
        let option = [&board[..], &["--max-latency-s", "0.001@made-up"]].concat();
        search(&fixture, &format!("{out}-option"), &option);
        let config = text(&result(&fixture, &format!("{out}-option"))["search.json"]);
        assert!(config.contains("\"max_latency_s\": 0.001"), "{config}");
    }
    assert_eq!(result(&fixture, "bare-p"), result(&fixture, "named-p"));
}

#[test]
fn networks_are_chosen_by_their_latency_on_each_board() {
    let fixture = fixture(&settings());
    let objectives = ["--objectives", "error,latency_s@made-up,latency_s@other"];
    let said = search(&fixture, "run", &[&BOTH[..], &objectives].concat());
    assert!(said.contains("i00-00 on made-up: latency "), "{said}");
    assert!(said.contains("i00-00 on other: latency "), "{said}");
    let archive = fixture.archive("run");
    for Evaluation { latency_s, boards, .. } in archive.individuals.iter().map(|i| &i.evaluation) {
        let names: Vec<&str> = boards.keys().map(String::as_str).collect();
        assert_eq!((latency_s, names), (&None, vec!["made-up", "other"]));
        assert!(boards.values().all(|costs| costs.latency_s.is_some()));
    }
    let different = archive.individuals.iter().map(|i| &i.evaluation);
    let different = different.filter(|e| latency(e, "made-up") != latency(e, "other"));
    assert!(different.count() > 0);
    // All of three populations, and the trial; each crate is generated once for both boards.
    let measured = fixture.measured();
    assert!(measured.len() == 2 * (18 + 1) && measured.values().all(|times| *times == 1));
    assert_eq!(generated(&fixture), 18 + 1);
    // The front is that of all evaluations by three objectives.
    let values = |e: &Evaluation| {
        [1.0 - e.accuracy.unwrap(), latency(e, "made-up").unwrap(), latency(e, "other").unwrap()]
    };
    let all: Vec<[f64; 3]> = archive
        .individuals
        .iter()
        .map(|individual| &individual.evaluation)
        .chain(&archive.dropped)
        .map(values)
        .collect();
    assert_eq!(all.len(), 18);
    let dominates = |a: &[f64; 3], b: &[f64; 3]| a != b && a.iter().zip(b).all(|(a, b)| a <= b);
    for individual in &archive.individuals {
        let mine = values(&individual.evaluation);
        let is_dominated = all.iter().any(|other| dominates(other, &mine));
        assert_eq!(individual.on_front, !is_dominated, "{}", individual.evaluation.id);
    }
    let config: Value = serde_json::from_slice(&fixture.result("run")["search.json"]).unwrap();
    assert_eq!(config["board"], Value::Null);
    assert_eq!(config["boards"]["other"]["name"], "other");
    let figure = text(&result(&fixture, "run")["cost.svg"]);
    for board in ["made-up", "other"] {
        let title = format!("Latency of one inference on {board}, measured: 18");
        assert!(figure.contains(&title), "{title}");
    }
    // The order of the options is no matter, and everything is known when the search is resumed.
    let turned = ["--board", "other", "--board", "made-up"];
    search(&fixture, "turned", &[&turned[..], &objectives].concat());
    assert_eq!(result(&fixture, "run"), result(&fixture, "turned"));
    fixture.measured();
    search(&fixture, "run", &[&turned[..], &objectives, &["--resume"]].concat());
    assert_eq!(result(&fixture, "run"), result(&fixture, "turned"));
    assert_eq!(fixture.measured().len(), 0);
}

#[test]
fn the_front_is_measured_on_all_boards_and_must_meet_the_criteria_of_each() {
    let fixture = fixture(&settings());
    search(&fixture, "whole", &BOTH);
    let archive = fixture.archive("whole");
    for evaluation in front(&archive) {
        assert!(latency(evaluation, "made-up").is_some() && latency(evaluation, "other").is_some());
    }
    let best = front(&archive).max_by(|a, b| a.accuracy.partial_cmp(&b.accuracy).unwrap()).unwrap();
    let limit = |board: &str| format!("{}@{board}", latency(best, board).unwrap());
    let (on_one, on_other) = (limit("made-up"), limit("other"));
    let accuracy = best.accuracy.unwrap().to_string();
    let criteria = ["--max-latency-s", &on_one, "--max-latency-s", &on_other];
    let options = [&BOTH[..], &criteria, &["--min-accuracy", &accuracy]].concat();
    search(&fixture, "met", &options);
    let met = fixture.archive("met");
    let by = met.criteria_met_by.as_ref().unwrap();
    let found = front(&met).find(|evaluation| evaluation.id == *by).unwrap();
    assert!(latency(found, "made-up") <= latency(best, "made-up"));
    assert!(latency(found, "other") <= latency(best, "other") && found.accuracy >= best.accuracy);
    let config: Value = serde_json::from_slice(&fixture.result("met")["search.json"]).unwrap();
    assert_eq!(config["criteria"]["max_latency_s"], Value::Null);
    assert_eq!(config["criteria"]["max_latency_s@other"], json!(latency(best, "other").unwrap()));
    // The profile says the same; and on one board alone, nothing meets a limit that is too low.
    let mut profile = settings();
    profile["criteria"] = json!({
        "min_accuracy": best.accuracy, "max_latency_s@made-up": latency(best, "made-up"),
        "max_latency_s@other": latency(best, "other"),
    });
    fixture.write_profile(&profile, &json!({}));
    search(&fixture, "profile", &BOTH);
    assert_eq!(result(&fixture, "met"), result(&fixture, "profile"));
    let said = search(&fixture, "unmet", &[&BOTH[..], &["--max-latency-s", "1e-9@other"]].concat());
    assert!(said.contains("no individual meets all criteria"), "{said}");
}

#[test]
fn a_board_without_an_objective_measures_the_front_alone() {
    let fixture = fixture(&settings());
    search(&fixture, "run", &[&BOTH[..], &["--objectives", "error,latency_s@other"]].concat());
    let archive = fixture.archive("run");
    let all = archive.individuals.iter().map(|i| &i.evaluation).chain(&archive.dropped);
    let all: Vec<&Evaluation> = all.collect();
    assert!(all.len() == 18 && all.iter().all(|e| latency(e, "other").is_some()));
    assert!(front(&archive).all(|evaluation| latency(evaluation, "made-up").is_some()));
    assert!(all.iter().any(|evaluation| latency(evaluation, "made-up").is_none()));
}

#[test]
fn an_interrupted_search_on_two_boards_is_resumed_to_the_same_bytes() {
    let fixture = fixture(&settings());
    let objectives = ["--objectives", "error,latency_s@made-up,latency_s@other"];
    let options = [&BOTH[..], &objectives].concat();
    search(&fixture, "whole", &options);
    let (trained, measured) = (fixture.calls(), fixture.measured());
    // Both boards measure the trial, and then one network after the other.
    for (after, resume, words) in [
        ("8", None, "i00-03 cannot be measured on the board made-up"),
        ("15", Some("--resume"), "i01-00 cannot be measured on the board other"),
    ] {
        let mut command = fixture.command("cut");
        command.args(&options).args(resume).env("FAKE_UNPLUGGED_AFTER", after);
        let error = error_of(&command.output().unwrap());
        assert!(error.contains(words) && error.contains("unplugged"), "{error}");
    }
    search(&fixture, "cut", &[&options[..], &["--resume"]].concat());
    assert_eq!(result(&fixture, "whole"), result(&fixture, "cut"));
    assert_eq!((fixture.calls(), fixture.measured()), (trained, measured));
    // A search that is killed while it trains.
    let mut command = fixture.command("killed");
    let mut child = command.args(&options).env("FAKE_HANG", "i01-03").spawn().unwrap();
    while !fixture.path("killed/individuals/i01-03").exists() {
        assert!(child.try_wait().unwrap().is_none(), "the search ended before it hung");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    search(&fixture, "killed", &[&options[..], &["--resume"]].concat());
    assert_eq!(result(&fixture, "whole"), result(&fixture, "killed"));
}

#[test]
fn other_boards_are_another_search() {
    let fixture = fixture(&settings());
    search(&fixture, "two", &BOTH);
    search(&fixture, "one", &["--board", "made-up"]);
    search(&fixture, "none", &[]);
    let resumed = |out: &str, options: &[&str], words: &str| {
        let before = result(&fixture, out);
        let error = error_of(&fixture.command(out).arg("--resume").args(options).output().unwrap());
        assert!(error.contains(words) && error.contains("when the search began"), "{error}");
        assert_eq!(before, result(&fixture, out));
    };
    let with_server = ["--board", "made-up", "--board", "server"];
    resumed("two", &with_server, "boards.other was {");
    resumed("two", &["--board", "made-up"], "board was null");
    resumed("two", &[], "boards was {");
    resumed("one", &BOTH, "board was {");
    resumed("none", &BOTH, "boards was null");
    // A criterion that was not there before, and that no other key stands for.
    resumed("one", &["--board", "made-up", "--max-latency-s", "1"], "criteria.max_latency_s was");
    resumed(
        "two",
        &[&BOTH[..], &["--max-latency-s", "1@other"]].concat(),
        "criteria.max_latency_s@other was null",
    );
}

#[test]
fn memory_is_that_of_each_platform() {
    let fixture = fixture(&settings());
    let boards = ["--board", "made-up", "--board", "server"];
    let objectives = ["--objectives", "error,flash_bytes@made-up,flash_bytes@server"];
    search(&fixture, "run", &[&boards[..], &objectives].concat());
    for evaluation in fixture.evaluations("run") {
        let flash = |board: &str| evaluation.boards[board].flash_bytes.unwrap();
        // On armv7, the fake `codegen plan` adds 1000 bytes of code.
        assert_eq!(flash("made-up"), flash("server") + 1000);
        assert_eq!((evaluation.flash_bytes, evaluation.boards["server"].arena_bytes), (None, None));
    }
    let mut sizes: Vec<u64> = fixture
        .evaluations("run")
        .iter()
        .map(|evaluation| evaluation.boards["made-up"].flash_bytes.unwrap())
        .collect();
    sizes.sort_unstable();
    let most = sizes[9];
    let limit = format!("{most}@made-up");
    search(&fixture, "limited", &[&boards[..], &["--max-flash-bytes", &limit]].concat());
    let limited = fixture.evaluations("limited");
    let flash = |e: &Evaluation| e.boards["made-up"].flash_bytes.unwrap();
    assert!(limited.iter().all(|e| flash(e) <= most && !e.boards.contains_key("server")));
    // Boards of the same platform have the same memory, under whichever name.
    let same = |out: &str, objective: &str| {
        let objectives = format!("error,{objective}");
        search(&fixture, out, &[&BOTH[..], &["--objectives", &objectives]].concat());
        assert!(fixture.evaluations(out).iter().all(|e| e.flash_bytes.is_some()));
    };
    same("bare", "flash_bytes");
    same("named", "flash_bytes@other");
    assert_eq!(result(&fixture, "bare"), result(&fixture, "named"));
}

#[test]
fn an_emulated_board_gives_memory_beside_a_real_one() {
    let fixture = fixture(&settings());
    let emulated = fixture.path("emulated.json");
    let boards = ["--board", emulated.to_str().unwrap(), "--board", "server"];
    let objectives = ["--objectives", "error,latency_s@server,flash_bytes@made-up-qemu"];
    let said = search(&fixture, "run", &[&boards[..], &objectives].concat());
    assert!(said.contains("made-up-qemu is emulated: nothing is measured on it"), "{said}");
    for individual in fixture.archive("run").individuals {
        let boards = individual.evaluation.boards;
        assert!(boards["server"].latency_s.is_some() && boards["server"].flash_bytes.is_none());
        let qemu = boards["made-up-qemu"];
        assert!(qemu.latency_s.is_none() && qemu.flash_bytes.is_some());
    }
    for (asked, words) in [
        (["--objectives", "error,latency_s@made-up-qemu"], "the objective latency_s@made-up-qemu"),
        (["--max-power-w", "1@made-up-qemu"], "--max-power-w ...@made-up-qemu"),
    ] {
        let error = refused(&fixture, &[&boards[..], &asked].concat());
        let expected = format!("{words} needs a real board, but made-up-qemu is emulated");
        assert!(error.contains(&expected), "{error}");
    }
}

#[test]
fn each_board_may_be_on_a_machine_of_its_own() {
    let fixture = fixture(&settings());
    let hosts = ["--board-host", "other=pi@other", "--board-host", "made-up=pi@pi"];
    search(&fixture, "run", &[&BOTH[..], &hosts].concat());
    let measured = fixture.measured();
    assert_eq!(measured["host pi@pi"], measured["host pi@other"]);
    for (hosts, words) in [
        (
            ["--board-host", "pi@pi"],
            "--board-host pi@pi: there are several boards, so write NAME=pi@pi with one of made-up, other",
        ),
        (["--board-host", "nowhere=pi@pi"], "so write NAME=nowhere=pi@pi with one of"),
    ] {
        let error = refused(&fixture, &[&BOTH[..], &hosts].concat());
        assert!(error.contains(words), "{error}");
    }
    let twice = ["--board-host", "other=a", "--board-host", "other=b"];
    let error = refused(&fixture, &[&BOTH[..], &twice].concat());
    assert!(error.contains("--board-host is there twice for the board other"), "{error}");
}

#[test]
fn what_could_be_of_either_board_is_refused_before_any_training() {
    let fixture = fixture(&settings());
    let several = ["--board", "made-up", "--board", "server"];
    let of_which = "differs between the boards of the search: say with";
    for (options, words) in [
        (
            &["--objectives", "error,latency_s"][..],
            format!(
                "latency_s {of_which} latency_s@NAME of which, where NAME is one of made-up, server"
            ),
        ),
        (&["--objectives", "error,energy_j"], format!("energy_j {of_which} energy_j@NAME")),
        (
            &["--objectives", "error,arena_bytes"],
            format!("arena_bytes {of_which} arena_bytes@NAME"),
        ),
        (&["--max-latency-s", "1"], format!("max_latency_s {of_which} --max-latency-s X@NAME")),
        (&["--max-energy-j", "1"], format!("max_energy_j {of_which} --max-energy-j X@NAME")),
        (&["--max-power-w", "1"], format!("max_power_w {of_which} --max-power-w X@NAME")),
        (
            &["--max-flash-bytes", "1"],
            format!("max_flash_bytes {of_which} --max-flash-bytes N@NAME"),
        ),
        (
            &["--objectives", "error,latency_s@elsewhere"],
            "latency_s@elsewhere: the search has no board elsewhere, only made-up, server".into(),
        ),
        (
            &["--max-latency-s", "1@elsewhere"],
            "max_latency_s@elsewhere: the search has no board".into(),
        ),
        (
            &["--max-arena-bytes", "1@elsewhere"],
            "max_arena_bytes@elsewhere: the search has no".into(),
        ),
        (
            &["--objectives", "error,params@server"],
            "params@server: params is the same on every board, so leave the board out".into(),
        ),
        (&["--board", "server"], "--board: server is there twice".into()),
        (
            &["--max-latency-s", "1@server", "--max-latency-s", "2@server"],
            "--max-latency-s ...@server is there twice".into(),
        ),
        (
            &["--max-arena-bytes", "1@server", "--max-arena-bytes", "2@server"],
            "--max-arena-bytes ...@server is there twice".into(),
        ),
        (
            &["--max-latency-s", "0@server"],
            "on the board server: max_latency_s: the longest latency must be above 0".into(),
        ),
        (
            &["--objectives", "error,energy_j@server"],
            "energy is asked for, but the board server has no meter".into(),
        ),
        (
            &["--max-power-w", "1@made-up"],
            "energy is asked for, but the board made-up has no meter".into(),
        ),
    ] {
        let error = refused(&fixture, &[&several[..], options].concat());
        assert!(error.contains(&words), "{error}");
        let _ = fs::remove_dir_all(fixture.path("refused"));
    }
    let error = refused(&fixture, &["--objectives", "error,latency_s@made-up"]);
    assert!(error.contains("the search has no board: name it with --board made-up"), "{error}");
    assert_eq!((fixture.calls().len(), fixture.measured().len()), (0, 0));
    for wrong in [["--objectives", "error,latency_s@"], ["--max-latency-s", "fast@server"]] {
        let output = fixture.command("refused").args(several).args(wrong).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    }
}
