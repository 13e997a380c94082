//! `report query`: what make has to know of profiles, boards and runs, one word a line.

// The fixture is more than these tests use.
#[allow(dead_code)]
mod fixture;

use common::files::json;
use common::precision::{Precisions, RunPrecision};
use common::profile::{Profile, PruneMethod};
use common::search::config::SearchConfig;
use common::train_report::TrainReport;
use fixture::Fixture;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Runs `report query` in the folder of the workspace.
fn query(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_report"));
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap());
    command.arg("query").args(arguments).output().unwrap()
}

/// Returns the answers of a query, which must succeed.
fn answers(arguments: &[&str]) -> Vec<String> {
    let output = query(arguments);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && errors.is_empty(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap().lines().map(String::from).collect()
}

/// Returns the line on stderr of a query, which must fail and print nothing else.
fn error(arguments: &[&str]) -> String {
    let output = query(arguments);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {errors}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    assert!(errors.starts_with("error: ") && errors.lines().count() == 1, "{errors}");
    errors
}

/// Returns the folder of a fixture's run as text.
fn run_of(fixture: &Fixture) -> String {
    fixture.run().display().to_string()
}

fn diverge(fixture: &Fixture, rank: usize) {
    fixture.change(&format!("networks/{rank}/dense/train.json"), |train: &mut TrainReport| {
        train.diverged = true;
    });
}

#[test]
fn a_profile_has_a_number_of_winners_and_a_method() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("profile.json");
    let mut profile = Profile::default();
    profile.finals.winners = 7;
    profile.pruning.method = PruneMethod::L1;
    json::write(&path, &profile).unwrap();
    let profile = ["--profile", path.to_str().unwrap()];
    assert_eq!(answers(&[&profile[..], &["winners"]].concat()), ["7"]);
    assert_eq!(answers(&[&profile[..], &["method", "winners"]].concat()), ["l1", "7"]);
}

#[test]
fn a_board_has_a_platform_and_is_known_by_its_name_or_file() {
    assert_eq!(answers(&["--board", "qemu-cortex-a15", "platform"]), ["armv7"]);
    assert_eq!(answers(&["--board", "pipelines/boards/host.json", "platform"]), ["x86_64"]);
    let said = error(&["--board", "none", "platform"]);
    assert!(said.contains("there is no board \"none\"") && said.contains("host"), "{said}");
}

#[test]
fn a_run_has_the_data_set_of_its_search() {
    let fixture = Fixture::new();
    let run = run_of(&fixture);
    assert_eq!(answers(&["--run", &run, "dataset"]), ["mnist"]);
    fixture.remove("explore/search.json");
    assert_eq!(answers(&["--run", &run, "dataset"]), [""; 0]);
    assert_eq!(answers(&["--run", "no/such/run", "dataset"]), [""; 0]);
}

#[test]
fn diverged_trainings_are_named_one_a_line() {
    let fixture = Fixture::new();
    let run = run_of(&fixture);
    assert_eq!(answers(&["--run", &run, "diverged"]), [""; 0]);
    diverge(&fixture, 2);
    assert_eq!(answers(&["--run", &run, "diverged"]), ["2/dense"]);
    diverge(&fixture, 1);
    assert_eq!(answers(&["--run", &run, "dataset", "diverged"]), ["mnist", "1/dense", "2/dense"]);
    assert_eq!(answers(&["--run", "no/such/run", "diverged"]), [""; 0]);
}

#[test]
fn precisions_are_those_asked_for_last_or_those_of_the_profile() {
    let fixture = Fixture::new();
    let profile = fixture.run().join("profile.json").display().to_string();
    let of_profile = ["--profile", &profile, "precision"];
    let run = run_of(&fixture);
    let of_run = ["--run", &run, "--profile", &profile, "precision"];
    assert_eq!(
        (answers(&of_profile), answers(&of_run)),
        (vec!["both".into()], vec!["both".into()])
    );
    fixture.change("profile.json", |profile: &mut Profile| {
        profile.quantization.precision = Precisions::F32;
    });
    assert_eq!(answers(&of_run), ["f32"]);
    let last = RunPrecision { precision: Precisions::Int8 };
    json::write(&fixture.run().join("precision.json"), &last).unwrap();
    assert_eq!((answers(&of_profile), answers(&of_run)), (vec!["f32".into()], vec!["int8".into()]));
    fs::write(fixture.run().join("precision.json"), "{}").unwrap();
    assert!(error(&of_run).contains("precision.json"));
}

#[test]
fn refused_networks_are_named_one_a_line() {
    let fixture = Fixture::new();
    let run = run_of(&fixture);
    fixture.add_int8("1/dense");
    assert_eq!(answers(&["--run", &run, "refused"]), [""; 0]);
    fixture.refuse_int8("2/pruned");
    fixture.refuse_int8("2/dense");
    assert_eq!(answers(&["--run", &run, "refused"]), ["2/dense", "2/pruned"]);
    assert_eq!(answers(&["--run", "no/such/run", "refused"]), [""; 0]);
    fs::write(fixture.run().join("networks/1/dense/int8/outcome.json"), "{").unwrap();
    assert!(error(&["--run", &run, "refused"]).contains("1/dense/int8/outcome.json"));
}

#[test]
fn a_question_without_its_option_is_refused() {
    for (question, option) in [
        ("winners", "--profile FILE"),
        ("method", "--profile FILE"),
        ("platform", "--board NAME|FILE"),
        ("dataset", "--run DIR"),
        ("diverged", "--run DIR"),
        ("precision", "--profile FILE"),
        ("refused", "--run DIR"),
    ] {
        let said = error(&[question]);
        assert!(said.contains(option), "{question}: {said}");
    }
    for usage in [&[][..], &["--profile", "x"], &["weather"]] {
        assert_eq!(query(usage).status.code(), Some(2), "{usage:?}");
    }
}

#[test]
fn a_missing_or_damaged_file_is_named() {
    let fixture = Fixture::new();
    let path = |name: &str| fixture.run().join(name).display().to_string();
    let run = run_of(&fixture);
    let [profile, board] = ["profile.json", "board.json"].map(path);
    assert!(error(&["--board", &board, "platform"]).contains("board.json"));
    let host = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("boards/host.json"));
    let foreign = host.unwrap().replace("x86_64\"", "$(touch x)\"");
    fs::write(&board, foreign).unwrap();
    let said = error(&["--board", &board, "platform"]);
    assert!(said.contains("board.json") && said.contains("platform"), "{said}");
    for file in ["profile.json", "explore/search.json", "networks/2/dense/train.json"] {
        let whole = fs::read(path(file)).unwrap();
        fs::write(path(file), &whole[..whole.len() / 2]).unwrap();
    }
    for (arguments, file) in [
        (["--profile", &profile, "winners"], "profile.json"),
        (["--run", &run, "dataset"], "search.json"),
        (["--run", &run, "diverged"], "networks/2/dense/train.json"),
    ] {
        let said = error(&arguments);
        assert!(said.contains(file) && said.contains("not valid JSON"), "{said}");
    }
    fixture.remove("profile.json");
    assert!(error(&["--profile", &profile, "method"]).contains("profile.json"));
}

#[test]
fn an_answer_that_is_not_one_word_is_refused() {
    let fixture = Fixture::new();
    let run = run_of(&fixture);
    for name in ["two words", "", "tab\t", "line\nbreak", "\u{1b}[2J"] {
        fixture.change("explore/search.json", |search: &mut SearchConfig| {
            search.dataset = name.into();
        });
        let said = error(&["--run", &run, "dataset"]);
        assert!(said.contains("dataset is ") && said.contains("not one word"), "{said}");
        assert!(said.contains(&format!("{name:?}")), "{said}");
    }
    // A folder's name is an answer, too.
    fixture.change("explore/search.json", |search: &mut SearchConfig| {
        search.dataset = "mnist".into();
    });
    diverge(&fixture, 2);
    fs::rename(fixture.run().join("networks/2"), fixture.run().join("networks/a b")).unwrap();
    assert!(error(&["--run", &run, "diverged"]).contains("\"a b/dense\""));
}

#[test]
fn the_page_is_written_without_a_subcommand() {
    let fixture = Fixture::new();
    let report = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_report")).args(arguments).output().unwrap()
    };
    let (run, out) = (run_of(&fixture), fixture.out().display().to_string());
    assert!(report(&["--run", &run, "--out", &out]).status.success());
    assert!(fixture.out().join("index.html").is_file());
    for usage in [&[][..], &["--run", &run], &["--out", &out], &["--run", &run, "query", "dataset"]]
    {
        assert_eq!(report(usage).status.code(), Some(2), "{usage:?}");
    }
}
