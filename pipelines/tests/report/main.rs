//! `report` as a program, on runs that are whole, unfinished and damaged.

mod boards;
mod comparison;
mod errors;
#[path = "../fixture/mod.rs"]
mod fixture;
mod formats;
mod images;
mod int8;
mod page;
mod panels;
mod paper;
mod provenance;
mod results;
mod runs;
mod safety;
mod terminal;
#[path = "../../../tests/tools.rs"]
mod tools;

use fixture::Fixture;
use std::fs;
use std::process::{Command, Output};

const DENSE: &str = "networks/1/dense/measurement-host.json";
/// The fixture's hostile text where it is text.
const ESCAPED: &str = "&lt;script&gt;alert('x')&lt;/script&gt; &amp; &quot;more&quot;";
/// The page's own scripts: its numbers, and the program.
const SCRIPTS: usize = 2;
const PRUNED: &str = "networks/1/pruned/measurement-host.json";

fn report(fixture: &Fixture) -> Output {
    report_with(fixture, &[])
}

fn report_with(fixture: &Fixture, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_report"));
    command
        .arg("--run")
        .arg(fixture.run())
        .arg("--out")
        .arg(fixture.out())
        .args(more)
        .output()
        .unwrap()
}

/// Returns the row of a network in the comparison with a baseline, and the whole output.
fn compared(fixture: &Fixture, baseline: &str, network: &str) -> (Vec<String>, String) {
    let output = report_with(fixture, &["--baseline", baseline]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let line = said
        .lines()
        .find(|line| line.starts_with(&format!("{network}  ")))
        .unwrap_or_else(|| panic!("{said}"));
    let cells =
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(String::from).collect();
    (cells, said)
}

/// Writes the report, which must succeed; returns the table on stdout and the page.
fn write_report(fixture: &Fixture) -> (String, String) {
    let output = report(fixture);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let page = fs::read_to_string(fixture.out().join("index.html")).unwrap();
    (String::from_utf8(output.stdout).unwrap(), page)
}

/// Returns the line on stderr of a report that must fail and write nothing.
fn refused(fixture: &Fixture) -> String {
    let output = report(fixture);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(output.stdout.is_empty());
    assert!(stderr.starts_with("error: ") && stderr.lines().count() == 1, "{stderr}");
    assert!(!fixture.out().exists(), "nothing is written");
    stderr
}

/// Returns the cells of the table's row of a rank and variant.
fn row(table: &str, rank: usize, variant: &str) -> Vec<String> {
    let cells = |line: &str| -> Vec<String> {
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(String::from).collect()
    };
    let rows = table.lines().map(cells);
    let is_it =
        |row: &Vec<String>| row.len() > 4 && row[0] == rank.to_string() && row[3] == variant;
    rows.into_iter().find(is_it).unwrap_or_else(|| panic!("no row {rank} {variant} in\n{table}"))
}
