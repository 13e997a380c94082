//! Programs end with the stage that has started them, even if the stage is killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tests::{GENOME, program, succeed, write_idx_dataset};

/// Far longer than any of these programs takes to end.
const LIMIT: Duration = Duration::from_secs(120);

/// Makes a folder with a data set, a genome, a trained network, and a profile whose trainings do
/// not end.
fn fixture() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write_idx_dataset(&dir.path().join("data"), 30, |i| (i % 3) as u8);
    fs::write(dir.path().join("genome.json"), GENOME).unwrap();
    let profile = r#"{"schema": "neuropower/profile/1",
        "space": {"condense_layers": [1], "feature_extraction_layers": [7, 10]}, "training": {"epochs": 100000},
        "search": {"population": 4, "archive_size": 4, "iterations": 2, "epochs": 100000}}"#;
    fs::write(dir.path().join("profile.json"), profile).unwrap();
    succeed(
        dir.path(),
        "train",
        &["fit", "--genome", "genome.json", "--dataset", "data", "--out", "net", "--epochs", "1"],
    );
    dir
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < LIMIT, "{what}");
        sleep(Duration::from_millis(10));
    }
}

/// Returns the parent of a process, or `None` if the process has ended.
fn parent_of(process: &Path) -> Option<u32> {
    let status = fs::read_to_string(process.join("status")).ok()?;
    let value = |key: &str| status.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
    // A process that has ended and that has not been waited for is a zombie.
    if value("State:")?.starts_with('Z') { None } else { value("PPid:")?.parse().ok() }
}

/// Returns the processes that a program has started.
fn children(of: &Child) -> Vec<PathBuf> {
    let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    processes.filter(|process| parent_of(process) == Some(of.id())).collect()
}

/// Starts a stage, waits until its trainings have written `files`, and sends the stage a signal
/// that it does not catch; checks that all trainings end.
fn trainings_end(
    dir: &Path,
    stage: &str,
    options: &str,
    signal: &str,
    trainings: usize,
    files: &[&str],
) {
    let mut command = Command::new(program(stage));
    command.current_dir(dir).args(options.split(' ')).stdout(Stdio::null()).stderr(Stdio::null());
    let mut run = command.spawn().unwrap();
    wait_until("the trainings do not begin", || files.iter().all(|file| dir.join(file).exists()));
    let started = children(&run);
    assert_eq!(started.len(), trainings, "{stage} {options}");
    // A shell has a `kill` of its own; the program is not on every machine.
    let kill = format!("kill {signal} {}", run.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    run.wait().unwrap();
    wait_until("a training goes on", || started.iter().all(|process| parent_of(process).is_none()));
}

#[test]
fn no_training_outlives_a_killed_search() {
    for signal in ["-KILL", "-HUP"] {
        let dir = fixture();
        let search = "run --config profile.json --dataset data --out out --workers 2";
        let files = ["out/individuals/i00-00/checkpoint", "out/individuals/i00-01/checkpoint"];
        trainings_end(dir.path(), "explore", search, signal, 2, &files);
    }
}

#[test]
fn no_training_outlives_a_killed_study() {
    let dir = fixture();
    let study = "fidelity --config profile.json --dataset data --out out --workers 1 --short 1x10 --genomes 2 --seeds 1";
    let mut command = Command::new(program("explore"));
    command
        .current_dir(dir.path())
        .args(study.split(' '))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut run = command.spawn().unwrap();
    let trains = || {
        let folders = fs::read_dir(dir.path().join("out")).into_iter().flatten().flatten();
        folders.into_iter().any(|folder| folder.path().join("checkpoint").exists())
    };
    wait_until("the training does not begin", trains);
    let started = children(&run);
    run.kill().unwrap();
    run.wait().unwrap();
    wait_until("the training goes on", || {
        started.iter().all(|process| parent_of(process).is_none())
    });
    assert_eq!(started.len(), 1);
}

#[test]
fn no_training_outlives_killed_pruning() {
    let dir = fixture();
    let network = "--network net/network.json --weights net/weights.safetensors --dataset data";
    let prune = format!("run {network} --out out --finetune-epochs 100000");
    trainings_end(dir.path(), "prune", &prune, "-KILL", 1, &["out/rounds/1/checkpoint"]);
    succeed(
        dir.path(),
        "prune",
        &format!("run {network} --out short --finetune-epochs 1 --iterations 1")
            .split(' ')
            .collect::<Vec<_>>(),
    );
    let report = dir.path().join("short/rounds/1/train.json");
    let text = fs::read_to_string(&report).unwrap();
    // As many images as a fine-tuning that does not end.
    fs::write(&report, text.replace("\"epochs\": 1,", "\"epochs\": 100000,")).unwrap();
    trainings_end(
        dir.path(),
        "prune",
        "scratch --from short --dataset data",
        "-KILL",
        1,
        &["short/scratch/checkpoint"],
    );
}
