//! `make`: what it refuses, lists, removes and installs.

mod clean;
mod help;
mod hostile;
mod install;
#[path = "../tools.rs"]
mod tools;
mod values;
mod working;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tests::root;

/// Returns a command that runs `make` with a run in `dir`, and further arguments.
fn command(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("make");
    command.current_dir(root()).arg(format!("RUN={}", dir.join("run").display())).args(arguments);
    // This test may itself run below `make test`.
    command.env_remove("MAKEFLAGS").env_remove("MAKELEVEL").env_remove("MFLAGS");
    command
}

fn make(dir: &Path, arguments: &[&str]) -> Output {
    command(dir, arguments).output().unwrap()
}

/// Returns what `make` prints on stderr; it must fail.
fn fails(dir: &Path, arguments: &[&str]) -> String {
    let output = make(dir, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{arguments:?} {said}");
    said
}

/// Returns the one line with which `make` refuses its variables before anything is made.
fn refused(dir: &Path, arguments: &[&str]) -> String {
    let output = make(dir, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{arguments:?} {said}");
    assert_eq!(said.lines().count(), 1, "{arguments:?} {said}");
    assert!(output.stdout.is_empty(), "{arguments:?} {}", String::from_utf8_lossy(&output.stdout));
    said
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}
