//! Interrupted and repeated runs.

use crate::workdir::{Workdir, dataset, fail, result_bytes, succeed};
use common::dataset::Dataset;
use common::files::json;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

#[test]
fn an_interrupted_run_continues_with_the_same_result() {
    let dir = Workdir::new();
    let options = ["--cap", "0.6"];
    let mut interrupted = dir.prune("out", &options);
    interrupted.env("FAKE_TRAIN_FAIL", "3");
    let message = fail(interrupted, 2);
    assert!(
        message.starts_with("round 3: ") && message.contains("this round was to fail"),
        "{message}"
    );
    assert!(message.contains("out/rounds/3/train.log"), "{message}");
    assert!(!dir.at("out/prune.json").exists() && !dir.at("out/network.json").exists());
    assert_eq!(dir.calls().len(), 3);

    let progress = String::from_utf8(succeed(dir.prune("out", &options)).stderr).unwrap();
    assert_eq!(progress.matches("(fine-tuned before)").count(), 2, "{progress}");
    assert_eq!(dir.calls().len(), dir.report("out").rounds.len() - 2);
    succeed(dir.prune("whole", &options));
    assert_eq!(result_bytes(&dir.at("out")), result_bytes(&dir.at("whole")));
}

/// Results are those on the data that are given, not on those of an earlier run in the same folder;
/// where files are called and how they are called changes nothing.
#[test]
fn other_data_are_scored_and_trained_again() {
    let dir = Workdir::new();
    let run = || {
        succeed(dir.prune("out", &["--cap", "0.3"]));
        (dir.calls().len(), fs::read_to_string(dir.at("out/rounds/original.inputs.txt")).unwrap())
    };
    let (rounds, first) = run();
    assert!(rounds > 0);
    let move_file = |from: &str, to: &str| fs::rename(dir.at(from), dir.at(to)).unwrap();
    move_file("data/train/0/0.png", "data/train/0/renamed.png");
    move_file("data/train", "data/pictures");
    let mut moved = Dataset { name: "renamed".into(), ..dataset(3) };
    moved.train[0].path = "pictures".into();
    json::write(&dir.at("data/dataset.json"), &moved).unwrap();
    assert_eq!(run(), (0, first.clone()));
    // Two classes exchange their images.
    move_file("data/pictures/0", "data/pictures/.kept");
    move_file("data/pictures/1", "data/pictures/0");
    move_file("data/pictures/.kept", "data/pictures/1");
    let (again, relabelled) = run();
    assert_eq!(again, rounds);
    assert_ne!(relabelled, first);
    moved.validation.as_mut().unwrap().seed += 1;
    json::write(&dir.at("data/dataset.json"), &moved).unwrap();
    let (again, other_split) = run();
    assert_eq!(again, rounds);
    assert_ne!(other_split, relabelled);
}

/// A run whose first training does not end, and the number of the training's process.
fn hanging_run(dir: &Workdir) -> (Child, String) {
    let number = dir.at("number");
    let mut command = dir.prune("out", &[]);
    let mut run = command.env("FAKE_TRAIN_HANG", &number).stderr(Stdio::piped()).spawn().unwrap();
    loop {
        match fs::read_to_string(&number)
            .ok()
            .and_then(|text| text.strip_suffix('\n').map(str::to_string))
        {
            Some(training) => return (run, training),
            None => std::thread::sleep(Duration::from_millis(10)),
        }
        assert!(run.try_wait().unwrap().is_none(), "the run ended before it trained");
    }
}

/// Sends a signal to a process, and returns whether there is such a process.
fn kill(signal: &str, process: &str) -> bool {
    // A shell has a `kill` of its own; the program is not on every machine.
    Command::new("sh").args(["-c", &format!("kill {signal} {process}")]).status().unwrap().success()
}

#[test]
fn two_runs_in_one_folder_are_refused() {
    let dir = Workdir::new();
    let (mut first, _) = hanging_run(&dir);
    let said = fail(dir.prune("out", &[]), 0);
    assert_eq!(said, "another run is at work in out: wait for it, or choose another folder");
    assert!(kill("-TERM", &first.id().to_string()));
    first.wait().unwrap();
}

/// A training that outlived it would write into the folder of the run that goes on.
#[test]
fn a_training_ends_with_the_run_that_started_it() {
    let dir = Workdir::new();
    let (run, training) = hanging_run(&dir);
    assert!(kill("-0", &training) && kill("-TERM", &run.id().to_string()));
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    let expected =
        "interrupted; what is finished is kept, and the same command goes on from there\n";
    assert!(said.starts_with("error: round 1") && said.ends_with(expected), "{said}");
    assert!(!kill("-0", &training));
}

#[test]
fn finished_rounds_are_reused_only_with_equal_inputs() {
    let dir = Workdir::new();
    let profile = |epochs: &str, batch: usize| {
        let sections =
            format!(r#""search": {{"epochs": {epochs}}}, "training": {{"batch": {batch}}}"#);
        fs::write(
            dir.at("p.json"),
            format!("{{\"schema\": \"neuropower/profile/1\", {sections}}}"),
        )
        .unwrap();
    };
    let calls = |options: &[&str]| {
        succeed(dir.prune("out", &[options, &["--config", "p.json"]].concat()));
        (dir.calls().len(), dir.report("out").rounds.len())
    };
    profile("1", 128);
    let (first, rounds) = calls(&[]);
    assert_eq!(first, rounds);
    // Nothing that a fine-tuning takes from a profile.
    profile("2", 128);
    assert_eq!(calls(&["--threads", "2"]).0, 0);
    // A lower cap shares the whole rounds, and what came after them goes.
    let (some, fewer) = calls(&["--cap", "0.3"]);
    assert_eq!((some, dir.at(&format!("out/rounds/{}", fewer + 1)).exists()), (1, false));
    assert!(fewer < rounds);
    profile("2", 64);
    assert_eq!(calls(&["--cap", "0.3"]).0, fewer);
    assert_eq!(calls(&["--cap", "0.3", "--finetune-epochs", "6"]).0, fewer);
}

#[test]
fn a_damaged_round_is_trained_again() {
    let dir = Workdir::new();
    succeed(dir.prune("out", &["--cap", "0.3"]));
    let (rounds, results) = (dir.calls().len(), result_bytes(&dir.at("out")));
    assert!(rounds >= 2);
    let weights = dir.at("out/rounds/2/weights.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    let last = bytes.len() - 2;
    bytes[last] ^= 1;
    fs::write(&weights, bytes).unwrap();
    succeed(dir.prune("out", &["--cap", "0.3"]));
    assert_eq!((dir.calls().len(), result_bytes(&dir.at("out"))), (1, results));
}
