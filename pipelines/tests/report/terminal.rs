//! The tables in terminals of several widths.

use crate::fixture::Fixture;
use crate::tools::tool;
use crate::write_report;
use std::process::Command;

/// Returns what `report` prints on a terminal of a width.
fn on_a_terminal(fixture: &Fixture, width: usize) -> String {
    let program = env!("CARGO_BIN_EXE_report");
    let (run, out) = (fixture.run(), fixture.out());
    let line = format!("stty cols {width} && '{program}' --run {run:?} --out {out:?}");
    let mut script = Command::new("script");
    let output = script.args(["-q", "-e", "-c", &line, "/dev/null"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    said.replace('\r', "")
}

fn widest(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap()
}

#[test]
fn tables_fit_and_numbers_are_whole() {
    let Some(_) = tool("script", "tables on a terminal") else { return };
    let fixture = Fixture::new();
    let (piped, _) = write_report(&fixture);
    for width in [60, 80, 100, 140, 200] {
        let said = on_a_terminal(&fixture, width);
        assert!(widest(&said) <= width, "{width}:\n{said}");
        for number in ["99.29 %", "98.74 %", "65,074", "26.1 M", "522 µs"] {
            assert!(said.contains(number), "{number}, {width}:\n{said}");
        }
        // A row is one line where there is room for it.
        let row = said.lines().find(|line| line.contains("99.29 %")).unwrap();
        assert_eq!(row.contains("i0-7"), width >= 140, "{said}");
        assert!(!said.contains('\u{1b}'), "there are no colours: {said}");
    }
    // A pipe has no width: lines are as long as they must be.
    assert!(piped.lines().any(|line| line.contains("i0-7") && line.contains("522 µs")), "{piped}");
}
