//! `report` with several runs.

use crate::fixture::Fixture;
use common::files::json;
use common::search::archive::Archive;
use common::search::config::SearchConfig;
use common::search::evaluation::Evaluation;
use std::fs;
use std::process::{Command, Output};

/// Compares two runs into the folder of the first one's report.
fn compare(first: &Fixture, second: &Fixture) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_report"));
    command.arg("--run").arg(first.run()).arg("--run").arg(second.run());
    command.arg("--out").arg(first.out()).output().unwrap()
}

fn page(first: &Fixture, second: &Fixture) -> (String, String) {
    let output = compare(first, second);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let page = fs::read_to_string(first.out().join("index.html")).unwrap();
    (String::from_utf8(output.stdout).unwrap(), page)
}

#[test]
fn runs_are_beside_each_other() {
    let (first, second) = (Fixture::new(), Fixture::new());
    second.change("explore/search.json", |search: &mut SearchConfig| {
        search.seed = 7;
        search.search.epochs = 3;
    });
    let (table, page) = page(&first, &second);
    assert!(page.contains("mnist-&lt;laptop&gt; (2)") && !page.contains("<laptop>"));
    for text in ["worst error of", "search.epochs", ">seed<", "fronts.svg"] {
        assert!(page.contains(text), "{text}");
    }
    // The same evaluations have the same hypervolume.
    let volumes: Vec<&str> = table.lines().skip(4).take(2).collect();
    let volume = |line: &str| line.split_whitespace().rev().nth(3).unwrap().to_string();
    assert_eq!(volume(volumes[0]), volume(volumes[1]), "{table}");
    for file in ["fronts.svg", "fig-3-score.svg"] {
        let svg = fs::read_to_string(first.out().join(file)).unwrap();
        assert!(svg.starts_with("<svg role=\"img\"") && svg.contains("(2)"), "{file}");
    }
    for tag in ["section", "table", "tr", "td", "figure", "svg", "div"] {
        let opened =
            page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

#[test]
fn a_run_that_goes_on_is_compared_by_what_it_has() {
    let (first, second) = (Fixture::new(), Fixture::new());
    second.remove("networks");
    second.remove("explore/archive.json");
    let log = second.run().join("explore/evaluations.jsonl");
    let evaluations: Vec<Evaluation> = json::read_lines(&log).unwrap();
    let lines: Vec<String> =
        evaluations[..5].iter().map(|e| json::to_line(e).unwrap() + "\n").collect();
    fs::write(&log, lines.concat()).unwrap();
    let (table, shown) = page(&first, &second);
    assert!(shown.contains("(2) has finished 0 of 6 iterations"), "{table}");
    fs::write(&log, "").unwrap();
    let (table, shown) = page(&first, &second);
    assert!(table.contains("no training was completed") && shown.contains("fronts.svg"), "{table}");
    first.change("explore/archive.json", |archive: &mut Archive| {
        archive.criteria_met_by = Some("i0-7".into());
    });
    assert!(page(&first, &second).1.contains("because a network met the criteria"));
}

#[test]
fn runs_of_different_data_are_refused() {
    let (first, second) = (Fixture::new(), Fixture::new());
    let error = || {
        let output = compare(&first, &second);
        assert_eq!(output.status.code(), Some(1));
        assert!(!first.out().exists(), "nothing is written");
        String::from_utf8(output.stderr).unwrap()
    };
    second.change("explore/search.json", |search: &mut SearchConfig| {
        search.dataset = "digits".into();
        search.data_sha256 = "0b".repeat(32);
    });
    let said = error();
    assert!(said.contains("is on mnist (SHA-256 dadadada), but"), "{said}");
    assert!(said.contains("is on digits (SHA-256 0b0b0b0b): accuracies on different data"));
    second.remove("explore/search.json");
    assert!(error().contains("there is no explore/search.json"));
}
