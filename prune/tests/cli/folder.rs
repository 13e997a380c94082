//! The files in the folder for the results.

use crate::prune;
use crate::workdir::{BIN_DIR, Workdir, fail, result_bytes, succeed};
use std::fs;
use std::process::Command;

#[test]
fn files_of_other_programs_are_not_removed() {
    let dir = Workdir::new();
    for folder in ["scratch", "rounds/1"] {
        let theirs = dir.at("out").join(folder).join("notes");
        fs::create_dir_all(theirs.parent().unwrap()).unwrap();
        fs::write(&theirs, "years of work").unwrap();
        let partial = theirs.with_file_name(".partial-thought");
        fs::write(&partial, "").unwrap();
        let said = fail(dir.prune("out", &[]), 0);
        assert!(
            said.contains(&format!(
                "out/{folder}: this folder has files that `prune` has not written"
            )),
            "{said}"
        );
        assert_eq!(fs::read_to_string(&theirs).unwrap(), "years of work");
        assert!(partial.exists());
        fs::remove_dir_all(dir.at("out")).unwrap();
    }
}

/// A kill can come at any time: here, when a training has nothing in its folder yet but what it is
/// writing, and while an old folder is being removed.
#[test]
fn partial_files_of_a_killed_run_are_removed() {
    let dir = Workdir::new();
    succeed(dir.prune("whole", &[]));
    let partial = [
        "",
        "rounds",
        "rounds/1",
        "scratch",
        "rounds/.partial-removed-2",
        "measuring",
        "measurements",
    ];
    let partial = partial.map(|folder| dir.at("out").join(folder).join(".partial-x"));
    for path in &partial {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "half").unwrap();
    }
    fs::write(dir.at("out/rounds/1/.lock"), "").unwrap();
    succeed(dir.prune("out", &[]));
    assert_eq!(result_bytes(&dir.at("out")), result_bytes(&dir.at("whole")));
    assert!(partial.iter().all(|path| !path.exists()));
    fs::write(&partial[2], "half").unwrap();
    let arguments = ["scratch", "--from", "out", "--dataset", "data", "--bin-dir", BIN_DIR];
    succeed(prune(&dir, &arguments));
    assert!(!partial[2].exists());
}

/// Runs a command that may not write any file, as if the disk were full.
fn on_a_full_disk(command: &Command) -> Command {
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "ulimit -f 0; exec \"$@\"", "sh"])
        .arg(command.get_program())
        .args(command.get_args());
    limited.current_dir(command.get_current_dir().unwrap());
    limited
}

#[test]
fn a_repeated_run_that_fails_keeps_what_is_still_true() {
    let dir = Workdir::new();
    let files = ["prune.json", "network.json", "weights.safetensors", "accuracy.svg", "widths.svg"];
    let contents = || files.map(|file| fs::read(dir.at("out").join(file)).ok());
    succeed(dir.prune("out", &["--cap", "0.6"]));
    let before = contents();
    assert!(before.iter().all(Option::is_some));
    let rounds = dir.report("out").rounds.len();
    let said = fail(on_a_full_disk(&dir.prune("out", &["--cap", "0.6"])), rounds);
    assert!(said.contains("out/accuracy.svg: cannot write the file"), "{said}");
    assert!(contents() == before);
    // Another first round, which is not finished: what is said of the old one is no longer true.
    dir.calls();
    let mut other = dir.prune("out", &["--cap", "0.1", "--finetune-epochs", "7"]);
    other.env("FAKE_TRAIN_FAIL", "1");
    fail(other, 0);
    assert_eq!(contents().map(|file| file.is_some()), [false, true, true, false, false]);
}

#[test]
fn a_report_is_removed_before_the_rounds_it_describes() {
    let dir = Workdir::new();
    succeed(dir.prune("out", &["--cap", "0.6"]));
    let shorter = dir.prune("out", &["--cap", "0.6", "--iterations", "2"]);
    assert!(dir.report("out").rounds.len() > 2);
    fail(on_a_full_disk(&shorter), 2);
    assert!(!dir.at("out/rounds/3").exists() && !dir.at("out/prune.json").exists());
}

#[test]
fn a_failed_run_removes_the_report_of_an_earlier_one() {
    let dir = Workdir::new();
    succeed(dir.prune("out", &["--cap", "0.3"]));
    let mut command = dir.prune("out", &["--cap", "0.3", "--seed", "9"]);
    command.env("FAKE_TRAIN_FAIL", "1");
    fail(command, 0);
    assert!(!dir.at("out/prune.json").exists());
}
