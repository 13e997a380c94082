//! `report --format`: the results in other forms.

use crate::fixture::{Fixture, m_net_1};
use crate::write_report;
use std::fs;
use std::process::{Command, Output};

fn run(fixture: &Fixture, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_report"));
    command.arg("--run").arg(fixture.run()).args(arguments).output().unwrap()
}

fn format(fixture: &Fixture, name: &str) -> String {
    let output = run(fixture, &["--format", name]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn json_is_what_the_page_has() {
    let fixture = Fixture::new();
    let (_, page) = write_report(&fixture);
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"run\">").unwrap();
    let block: serde_json::Value =
        serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap();
    let json: serde_json::Value = serde_json::from_str(&format(&fixture, "json")).unwrap();
    assert_eq!(json, block);
    assert_eq!(format(&fixture, "html"), page);
}

#[test]
fn csv_has_a_row_for_each_network_and_board() {
    let fixture = Fixture::new();
    let dense = fixture.run().join("networks/1/dense");
    fs::copy(dense.join("measurement-host.json"), dense.join("measurement-=1+1.json")).unwrap();
    let text = format(&fixture, "csv");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let titles = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 4 * 2);
    let cell = |row: usize, title: &str| {
        let column = titles.iter().position(|found| found == title).unwrap();
        rows[row][column].to_string()
    };
    assert_eq!(cell(0, "network"), "1/dense");
    assert_eq!((cell(0, "board"), cell(1, "board")), ("'=1+1".into(), "host".into()));
    assert_eq!(cell(0, "genome"), m_net_1().to_string());
    let numbers = ["test_accuracy", "test_correct", "parameters"].map(|title| cell(0, title));
    assert_eq!(numbers, ["0.9929", "9929", "65074"]);
    let low: f64 = cell(0, "test_accuracy_low").parse().unwrap();
    assert!((low - 0.991_054_6).abs() < 1e-6, "{low}");
    let latency: f64 = cell(1, "latency_p50_s").parse().unwrap();
    assert!((latency - 522e-6).abs() < 1e-6, "{latency}");
    assert_eq!(cell(2, "not_measured_because"), "not measured yet: `make measure`");
}

#[test]
fn markdown_is_a_table_with_intervals() {
    let fixture = Fixture::new();
    let text = format(&fixture, "markdown");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("| network | genome | validation accuracy | test accuracy |"));
    let row = lines.iter().find(|line| line.starts_with("| 1/dense |")).unwrap();
    assert!(row.contains("| 99.29 % | 99.11 % to 99.44 %, n 10,000 | 65,074 |"), "{row}");
    assert!(text.contains("\\[1\\] ") && text.contains("powercap"), "{text}");
}

#[test]
fn a_format_takes_one_run() {
    let fixture = Fixture::new();
    for (arguments, code) in
        [(&["--format", "xml"][..], 2), (&[][..], 2), (&["--format", "csv", "--run", "x"][..], 1)]
    {
        let output = run(&fixture, arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert!(output.stdout.is_empty());
    }
}
