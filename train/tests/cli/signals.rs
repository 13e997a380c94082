//! Trainings that are interrupted or killed, and the files that they leave.

use crate::fixture::{Fixture, fit_arguments};
use crate::resume::epochs_in;
use process::parent;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// More epochs than any test runs.
const ENDLESS: [&str; 2] = ["--epochs", "1000000"];

fn send(signal: &str, child: &Child) {
    // A shell has a `kill` of its own; the program is not on every machine.
    let kill = format!("kill {signal} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

/// Waits until a training has written a checkpoint.
fn wait_for_checkpoint(fixture: &Fixture, child: &mut Child) {
    while !fixture.path("out/checkpoint").exists() {
        assert!(child.try_wait().unwrap().is_none(), "the training ended before it kept an epoch");
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn ctrl_c_says_how_to_resume_the_training() {
    for signal in ["-INT", "-TERM"] {
        let fixture = Fixture::new();
        let mut child = fixture
            .command(&fit_arguments("out", &ENDLESS))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The training would block on a full pipe, so its lines are read.
        let mut stderr = child.stderr.take().unwrap();
        let said = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).map(|_| text)
        });
        wait_for_checkpoint(&fixture, &mut child);
        send(signal, &child);
        assert_eq!(child.wait().unwrap().code(), Some(1));
        let said = said.join().unwrap().unwrap();
        let kept = epochs_in(&fs::read(fixture.path("out/checkpoint")).unwrap());
        let expected = format!(
            "error: interrupted; the state after epoch {kept} is kept, and --resume goes on from \
             there"
        );
        assert_eq!(said.lines().last(), Some(expected.as_str()));
        assert!(!fixture.path("out/train.json").exists());
    }
}

/// The pipe of its stderr is full and is not read, so the program blocks when it reports the
/// interruption.
#[test]
fn a_second_signal_ends_a_program_at_once() {
    let fixture = Fixture::new();
    let (mut theirs, mut full) = std::io::pipe().unwrap();
    // The capacity of a pipe on Linux.
    full.write_all(&[b'.'; 65536]).unwrap();
    let mut child = fixture.command(&fit_arguments("out", &ENDLESS)).stderr(full).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let catches_both = || {
        let status = fs::read_to_string(&status).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        let caught = u64::from_str_radix(caught.trim(), 16).unwrap();
        [2, 15].iter().all(|signal| caught >> (signal - 1) & 1 == 1)
    };
    while !catches_both() {
        sleep(Duration::from_millis(5));
    }
    // Two pending signals of one kind count as one.
    let status = loop {
        send("-INT", &child);
        sleep(Duration::from_millis(5));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
    };
    assert_eq!(status.signal(), Some(2));
    let mut said = String::new();
    theirs.read_to_string(&mut said).unwrap();
    assert!(!said.contains("interrupted"));
}

#[test]
fn a_training_ends_with_the_stage_that_has_started_it() {
    let fixture = Fixture::new();
    let (theirs, alive) = std::io::pipe().unwrap();
    let theirs = File::from(OwnedFd::from(theirs));
    let number = theirs.metadata().unwrap().ino().to_string();
    let mut command = fixture.command(&fit_arguments("out", &ENDLESS));
    let mut child =
        command.env(parent::VARIABLE, &number).stdin(theirs).stderr(Stdio::null()).spawn().unwrap();
    // The parent's copy of the child's end.
    drop(command);
    wait_for_checkpoint(&fixture, &mut child);
    drop(alive);
    assert_eq!(child.wait().unwrap().signal(), Some(15));
    // The training does not depend on an input that is another file, or that no variable names.
    for (variable, input) in [(Some(&number), Stdio::null()), (None, Stdio::null())] {
        let mut command = fixture.command(&fit_arguments("out", &["--epochs", "2"]));
        command.envs(variable.map(|number| (parent::VARIABLE, number))).stdin(input);
        assert!(command.output().unwrap().status.success());
    }
    let (theirs, alive) = std::io::pipe().unwrap();
    drop(alive);
    let mut command = fixture.command(&fit_arguments("out", &["--epochs", "2"]));
    assert!(command.stdin(theirs).output().unwrap().status.success());
}

#[test]
fn partial_files_of_a_killed_training_are_removed_unless_one_is_running() {
    let fixture = Fixture::new();
    fs::create_dir_all(fixture.path("out")).unwrap();
    for name in [".partial-half", "mine.partial-half"] {
        fs::write(fixture.path("out").join(name), "half").unwrap();
    }
    let mut child =
        fixture.command(&fit_arguments("out", &ENDLESS)).stderr(Stdio::null()).spawn().unwrap();
    wait_for_checkpoint(&fixture, &mut child);
    assert!(
        !fixture.path("out/.partial-half").exists()
            && fixture.path("out/mine.partial-half").exists()
    );
    fs::write(fixture.path("out/.partial-other"), "half").unwrap();
    let line = fixture.fit_refused("out", &["--epochs", "1"]);
    assert_eq!(line, "error: another run is at work in out: wait for it, or choose another folder");
    assert!(fixture.path("out/.partial-other").exists() && fixture.path("out/checkpoint").exists());
    child.kill().unwrap();
    child.wait().unwrap();
}
