//! What a person sees: the real programs on a terminal of 80 and of 140 columns, and with their
//! output in a file.

mod tools;

use std::fs;
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tests::{GENOME, program, write_idx_dataset};
use tools::tool;

const ROWS: u16 = 50;

/// A command's life on a terminal.
struct Session {
    /// All distinct states of the screen, each as its rows.
    screens: Vec<Vec<String>>,
    success: bool,
}

impl Session {
    /// Runs a command line on a terminal of this width. `None` if that is not possible here.
    fn run(dir: &Path, columns: u16, line: &str) -> Option<Session> {
        Session::with_input(dir, columns, line, "")
    }

    /// As [`Session::run`], with what is typed.
    fn with_input(dir: &Path, columns: u16, line: &str, typed: &str) -> Option<Session> {
        tool("script", "the terminal's screen")?;
        let line = format!("stty rows {ROWS} cols {columns}; exec {line}");
        let mut script = Command::new("script");
        script.current_dir(dir).args(["-q", "-e", "-f", "-c", &line, "/dev/null"]);
        script.env("TERM", "xterm-256color").env_remove("NO_COLOR");
        script.env_remove("MAKEFLAGS").env_remove("MAKELEVEL").env_remove("MFLAGS");
        let size = |size| NonZero::new(size).unwrap();
        let mut script = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        script.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
        let mut terminal = vt100::Parser::new(size(ROWS), size(columns), 0);
        let mut screens: Vec<Vec<String>> = vec![];
        let mut output = script.stdout.take().unwrap();
        let mut bytes = [0; 256];
        while let Ok(count @ 1..) = output.read(&mut bytes) {
            terminal.process(&bytes[..count]);
            let rows: Vec<String> = terminal.screen().rows(0, columns).collect();
            if screens.last() != Some(&rows) {
                screens.push(rows);
            }
        }
        Some(Session { screens, success: script.wait().unwrap().success() })
    }

    /// Returns the rows of the last screen that are not empty.
    fn last(&self) -> Vec<&str> {
        let rows = self.screens.last().unwrap().iter().map(|row| row.trim_end());
        rows.filter(|row| !row.is_empty()).collect()
    }

    /// Returns whether a row of some screen has all these texts.
    fn showed(&self, texts: &[&str]) -> bool {
        let mut rows = self.screens.iter().flatten();
        rows.any(|row| texts.iter().all(|text| row.contains(text)))
    }
}

/// A program that reports progress as a stage does, and says several things.
const STAGE: &str = r#"
send() { printf '\036{"progress":{"share":%s,"left_s":%s,"event":"%s"}}\n' "$1" "$2" "$3" >&2; sleep .3; }
echo result
send 0.25 100 "epoch 1/4: a long line that no terminal of eighty columns can show to its very end"
echo "a note" >&2
echo "warning: something is odd" >&2
send 0.5 60 "epoch 2/4"
exit ${CODE:-0}
"#;

/// Returns the arguments of a step of the stage `train`, the second of three networks.
fn step(dir: &Path) -> String {
    fs::write(dir.join("stage"), STAGE).unwrap();
    format!(
        "{} step --run run --stages data,explore,train,report --stage train --item 2 --items 3 \
         -- sh stage",
        program("neuropower").display()
    )
}

const TITLE: &str = "stage 3 of 4: train (2 of 3 networks)";

#[test]
fn a_step_shows_one_bar_and_leaves_one_line() {
    for columns in [80, 140] {
        let dir = tempfile::tempdir().unwrap();
        let Some(session) = Session::run(dir.path(), columns, &step(dir.path())) else { return };
        assert!(session.success);
        assert!(session.showed(&[TITLE, ", about 3 minutes left [", " 25 %"]), "{columns}");
        assert_eq!(session.showed(&["25 %", "epoch 1/4: a long line"]), columns == 140);
        // A bar that is longer than a row would leave its beginning behind.
        assert_eq!(session.last(), ["warning: something is odd", TITLE], "{columns}");
        let log = fs::read_to_string(dir.path().join("run/log/train.log")).unwrap();
        let mut lines: Vec<&str> = log.lines().collect();
        assert_eq!(lines.remove(0), "$ sh stage");
        lines.sort_unstable();
        assert_eq!(lines, ["a note", "result", "warning: something is odd"]);
    }
}

#[test]
fn a_step_that_fails_names_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let line = format!("env CODE=3 {}", step(dir.path()));
    let Some(session) = Session::run(dir.path(), 140, &line) else { return };
    assert!(!session.success);
    let [warning, error] = session.last()[..] else { panic!("{:?}", session.last()) };
    assert_eq!(warning, "warning: something is odd");
    let expected = format!(
        "error: {TITLE}: it failed without saying why (exit status: 3); all that it said is in \
         run/log/train.log"
    );
    assert_eq!(error, expected);
}

/// Runs a step with its output in pipes, and further options of its own.
fn piped(dir: &Path, options: &str) -> Output {
    let line = step(dir).replace(" -- ", &format!(" {options} -- "));
    Command::new("sh").current_dir(dir).args(["-c", &line]).output().unwrap()
}

#[test]
fn a_step_passes_a_question_on() {
    let dir = tempfile::tempdir().unwrap();
    let line = step(dir.path());
    let stage = r#"
printf '\036{"progress":{"share":0.5,"left_s":60,"event":null}}\n' >&2; sleep .3
printf '\036{"question":"Watts now?"}\n' >&2
read answer && echo "answer $answer, step $NEUROPOWER_STEP"
"#;
    fs::write(dir.path().join("stage"), stage).unwrap();
    let Some(session) = Session::with_input(dir.path(), 80, &line, "6.5\n") else { return };
    assert!(session.success, "{:?}", session.last());
    assert!(session.showed(&["Watts now? "]));
    let log = fs::read_to_string(dir.path().join("run/log/train.log")).unwrap();
    let answer = log.lines().last().unwrap();
    assert!(answer.starts_with("answer 6.5, step ") && answer.ends_with(" terminal"), "{log}");
}

#[test]
fn without_a_terminal_a_step_prints_lines() {
    let dir = tempfile::tempdir().unwrap();
    let said = |options| String::from_utf8(piped(dir.path(), options).stderr).unwrap();
    assert_eq!(said(""), format!("{TITLE}\nwarning: something is odd\n"));
    assert_eq!(said("--quiet"), "warning: something is odd\n");
    let verbose = format!("{TITLE}\na note\nwarning: something is odd\n");
    assert_eq!(said("--verbose"), verbose);
    assert_eq!(said("--show"), verbose);
    assert!(piped(dir.path(), "").stdout.is_empty());
    assert_eq!(piped(dir.path(), "--table").stdout, b"result\n");
}

#[test]
fn a_training_shows_the_same_bar_as_a_step() {
    let dir = tempfile::tempdir().unwrap();
    write_idx_dataset(&dir.path().join("data"), 2000, |image| (image % 3) as u8);
    fs::write(dir.path().join("genome.json"), GENOME).unwrap();
    let line = format!(
        "{} fit --genome genome.json --dataset data --epochs 3 --out out",
        program("train").display()
    );
    let Some(session) = Session::run(dir.path(), 80, &line) else { return };
    assert!(session.success, "{:?}", session.last());
    assert!(session.showed(&["[", "] ", " %"]));
    // The bar is gone, and the result is left.
    assert!(!session.last().iter().any(|row| row.contains(" %")), "{:?}", session.last());
    // The same in lines.
    let output = Command::new("sh").current_dir(dir.path()).args(["-c", &line]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.lines().next().unwrap().starts_with("epoch 1/3: loss "), "{said}");
    assert_eq!(said.lines().count(), 3, "{said}");
    let quiet = Command::new("sh")
        .current_dir(dir.path())
        .args(["-c", &format!("{line} --quiet")])
        .output()
        .unwrap();
    assert!(quiet.status.success() && quiet.stderr.is_empty());
}
