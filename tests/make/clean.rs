//! `make clean`, which removes what can be built again, of a run only.

use super::{fails, make, refused, tools, working, write};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use tests::root;

const BUILT: &str = "networks/1/dense/crate-x86_64/target/release/classify";
const KEPT: [&str; 3] =
    ["profile.json", "networks/1/dense/crate-x86_64/Cargo.toml", "networks/1/target/notes"];

/// Writes a run in `dir` that has a log and a built crate.
fn write_run(dir: &Path) {
    let run = dir.join("run");
    for file in [BUILT, "log/train.log", KEPT[1], KEPT[2]] {
        write(&run.join(file), &"x".repeat(2_000_000));
    }
    fs::copy(root().join("pipelines/profiles/smoke.json"), run.join(KEPT[0])).unwrap();
}

#[test]
fn built_crates_and_the_log_are_named_with_their_size_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    write_run(dir.path());
    let output = make(dir.path(), &["clean"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("run/networks/1/dense/crate-x86_64/target: 2 MB"), "{said}");
    assert!(said.contains("run/log: 2 MB"), "{said}");
    assert!(!run.join("log").exists() && !run.join(BUILT).exists());
    for file in KEPT {
        assert!(run.join(file).exists(), "{file}");
    }
    let output = make(dir.path(), &["clean", "ALL=1"]);
    assert!(output.status.success() && !run.exists());
    assert!(String::from_utf8(output.stdout).unwrap().contains("run: 4 MB"));
    assert!(dir.path().exists());
}

#[test]
fn what_is_no_run_of_this_command_line_is_not_removed() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    for profile in [None, Some("{\"schema\": \"other/profile/1\"}")] {
        write(&run.join(BUILT), "");
        if let Some(text) = profile {
            write(&run.join("profile.json"), text);
        }
        for all in [&["clean"][..], &["clean", "ALL=1"]] {
            let said = fails(dir.path(), all);
            assert!(said.contains("is not a run"), "{said}");
        }
    }
    assert!(run.join(BUILT).exists());
    let said = refused(dir.path(), &["clean", "ALL=yes"]);
    assert!(said.contains("ALL is 'yes', but it may be 1"), "{said}");
    let said = refused(dir.path(), &["clean", "report"]);
    assert!(said.contains("clean is done alone"), "{said}");
    let mut unnamed = Command::new("make");
    unnamed.current_dir(root()).arg("clean").env("RUN", &run).env_remove("MAKEFLAGS");
    let output = unnamed.output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("removes files of one run only"));
    assert!(run.join(BUILT).exists());
}

#[test]
fn links_are_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    write_run(elsewhere.path());
    symlink(elsewhere.path().join("run"), &run).unwrap();
    for name in ["run", "run/", "run/."] {
        let named = format!("RUN={}", dir.path().join(name).display());
        let said = fails(dir.path(), &["clean", "ALL=1", &named]);
        assert!(said.contains("is a symbolic link: name the folder itself"), "{said}");
    }
    fs::remove_file(&run).unwrap();
    write(&run.join("crate-x86_64/Cargo.toml"), "");
    fs::copy(root().join("pipelines/profiles/smoke.json"), run.join("profile.json")).unwrap();
    symlink(elsewhere.path().join("run"), run.join("crate-x86_64/target")).unwrap();
    symlink(elsewhere.path().join("run/networks"), run.join("networks")).unwrap();
    symlink(elsewhere.path().join("run/log"), run.join("log")).unwrap();
    for goal in [&["clean"][..], &["clean", "ALL=1"]] {
        assert!(make(dir.path(), goal).status.success());
        assert!(elsewhere.path().join("run").join(BUILT).exists());
        assert!(elsewhere.path().join("run/log/train.log").exists());
    }
    assert!(!run.exists());
}

#[test]
fn a_run_in_use_is_not_removed() {
    if !working::has_flock() {
        return tools::skip("flock with --no-fork", "removing a run in use");
    }
    let dir = tempfile::tempdir().unwrap();
    write_run(dir.path());
    let lock = working::hold(dir.path());
    let said = fails(dir.path(), &["clean"]);
    assert!(said.contains("is worked in"), "{said}");
    drop(lock);
    let search = dir.path().join("run/explore/.lock");
    write(&search, "");
    let search = fs::File::open(search).unwrap();
    search.try_lock().unwrap();
    assert!(fails(dir.path(), &["clean", "ALL=1"]).contains("is worked in"));
    assert!(dir.path().join("run").join(BUILT).exists());
}
