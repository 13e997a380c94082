//! The table of results: every network, with a reason wherever a value is missing.

use crate::fixture::{Fixture, NO_METER, m_net_1};
use crate::{DENSE, compared, row, write_report};
use common::files::json::Known;
use common::measurement::{Energy, EnergyStatus, Measurement};
use common::network::{Network, Origin};
use common::search::archive::Archive;
use common::search::genome::Optimizer;
use common::train_report::{EvalReport, TrainReport};
use std::fs;

#[test]
fn the_numbers_are_those_of_the_papers_table() {
    let (table, page) = write_report(&Fixture::new());
    let genome = m_net_1().to_string();
    // Parameters and NID of M_Net_1 are those of the paper's Table 3 (15.25 there, cut off rather
    // than rounded).
    let expected =
        ["1", "i0-7", &genome, "dense", "99.29 %", "65,074", "26.1 M", "15.26", "522 µs", "- [1]"];
    assert_eq!(row(&table, 1, "dense"), expected);
    let pruned = row(&table, 1, "pruned");
    assert_eq!(pruned[4..6], ["98.74 %", "29,214"]);
    assert!(table.contains(&format!("[1] no energy on host: {NO_METER}")), "{table}");
    assert!(table.contains("A first look only: there are short measurements (on host)"), "{table}");
    for part in [
        "M</span>",
        "15.26",
        "65,074",
        "99.29 %",
        NO_METER,
        "3 x 1 s",
        "2025-01-01",
        "3.01 GHz",
        "short",
    ] {
        assert!(page.contains(part), "{part} is not on the page");
    }
}

/// The baseline was trained by hand in the run's folder.
#[test]
fn a_baseline_is_in_the_table_by_its_name() {
    let fixture = Fixture::new();
    fixture.change("networks/2/dense/network.json", |network: &mut Network| {
        network.origin = Origin::Baseline { name: "resnet-20".into(), optimizer: Optimizer::Sgd };
    });
    let (table, page) = write_report(&fixture);
    let row = row(&table, 2, "dense");
    assert!(row[1].starts_with('-') && row[2] == "resnet-20, sgd", "{row:?}");
    assert!(page.contains("resnet-20, sgd"));
}

#[test]
fn every_row_is_aligned_with_the_titles() {
    let (table, _) = write_report(&Fixture::new());
    let lines: Vec<Vec<char>> =
        table.lines().skip(2).take(6).map(|line| line.chars().collect()).collect();
    let rule = &lines[1];
    assert!(rule.starts_with(&['-', '-']), "titles, a rule, four rows: {table}");
    for gap in (0..rule.len()).filter(|i| rule[*i] == ' ') {
        assert!(lines.iter().all(|line| line.get(gap) == Some(&' ')), "column {gap} of\n{table}");
    }
}

#[test]
fn each_board_has_its_columns_and_energy_its_number() {
    let fixture = Fixture::new();
    let (from, to) =
        (fixture.run().join(DENSE), fixture.run().join("networks/1/dense/measurement-meter.json"));
    fs::copy(from, to).unwrap();
    fixture.change("networks/1/dense/measurement-meter.json", |m: &mut Measurement| {
        m.board = "meter".into();
        m.latency.p50_s = 0.001;
        m.energy = Energy {
            status: EnergyStatus::Measured,
            reason: None,
            gross_j: Some(0.012_345),
            net_reason: Some("no idle reading".into()),
            ..m.energy.clone()
        };
        m.host.governor = Known::of("performance".into());
    });
    let (table, page) = write_report(&fixture);
    assert!(table.contains("latency p50, host") && table.contains("energy, meter"), "{table}");
    assert_eq!(row(&table, 1, "dense")[8..], ["522 µs", "- [1]", "1.00 ms", "12.3 mJ"]);
    assert_eq!(row(&table, 2, "dense")[10..], ["- [2]", "- [2]"]);
    assert!(table.contains("[2] not measured yet: `make measure`"), "{table}");
    assert!(page.contains("no net energy: no idle reading") && page.contains("performance"));
}

/// Accuracy, latency and energy of initial weights are shown nowhere.
#[test]
fn a_training_that_diverged_has_no_result() {
    let fixture = Fixture::new();
    fixture.change("networks/1/dense/train.json", |train: &mut TrainReport| train.diverged = true);
    fixture.remove("networks/1/pruned");
    let (table, page) = write_report(&fixture);
    let dense = row(&table, 1, "dense");
    assert_eq!(dense[4..], ["diverged", "65,074", "26.1 M", "- [1]", "- [1]", "- [1]"]);
    assert!(
        table.contains("[1] the training diverged: its weights are the initial ones"),
        "{table}"
    );
    assert!(row(&table, 1, "pruned")[4..].iter().all(|cell| cell == "- [2]"), "{table}");
    assert!(
        table.contains("[2] not pruned: the training of the dense network diverged"),
        "{table}"
    );
    let caution = "The training of rank 1 diverged: it has no result, and `make` neither prunes nor measures it.";
    assert!(table.contains(caution) && page.contains(caution));
    for accuracy in ["99.29 %", "15.26", "522 µs</span>"] {
        assert!(!table.contains(accuracy), "{accuracy} is in {table}");
    }
    // The tiles are of the other winner; where measurements are listed, these are marked.
    assert!(page.contains("<strong>99.30 %</strong>") && page.contains("dense (diverged)"));
    let pruning = fs::read_to_string(fixture.out().join("pruning.svg")).unwrap();
    assert!(pruning.contains("#2") && !pruning.contains("#1"));
    let (cells, _) = compared(&fixture, "2/dense", "1/dense (diverged)");
    assert!(cells[1..].iter().all(|cell| cell.starts_with("- [")), "{cells:?}");

    // All of them, before anything was measured.
    fixture.change("networks/2/dense/train.json", |train: &mut TrainReport| train.diverged = true);
    for folder in [
        "networks/2/pruned",
        "networks/1/dense/measurement-host.json",
        "networks/2/dense/measurement-host.json",
    ] {
        fixture.remove(folder);
    }
    let (table, page) = write_report(&fixture);
    assert_eq!(row(&table, 2, "dense")[7..], ["- [1]", "- [1]", "- [1]"]);
    assert!(
        table.contains("of rank 1, 2 diverged") && !page.contains("best on the validation images")
    );
}

#[test]
fn a_run_that_has_only_been_searched_says_what_is_missing() {
    let fixture = Fixture::new();
    fixture.remove("networks");
    let (table, page) = write_report(&fixture);
    let cells = row(&table, 1, "dense");
    assert_eq!((cells[1].as_str(), cells[2].clone()), ("i0-7", m_net_1().to_string()));
    assert_eq!(cells[4..], ["- [1]", "- [1]", "- [1]", "- [1]", "- [2]", "- [2]"]);
    for reason in [
        "[1] not trained yet: `make train`",
        "[2] not measured yet",
        "[3] not pruned yet: `make prune`",
    ] {
        assert!(table.contains(reason), "{reason} is not in\n{table}");
    }
    assert!(page.contains("front.svg") && !page.contains("pruning.svg"));
    fixture.remove("explore/winners");
    let (_, page) = write_report(&fixture);
    assert!(page.contains("No network has been chosen yet"));
}

/// A search that goes on has a log, and an archive of the iterations that it has finished.
#[test]
fn a_search_that_goes_on_is_shown_as_far_as_it_is() {
    let fixture = Fixture::new();
    fixture.remove("networks");
    fixture.remove("explore/winners");
    let unfinished = "The search goes on or was interrupted";
    assert!(!write_report(&fixture).1.contains(unfinished));
    fixture.change("explore/archive.json", |archive: &mut Archive| archive.iterations = 2);
    let (said, page) = write_report(&fixture);
    for text in [&said, &page] {
        assert!(text.contains(&format!("{unfinished}: 2 of 6 iterations are finished.")), "{text}");
    }
    fixture.remove("explore/archive.json");
    let (_, page) = write_report(&fixture);
    assert!(page.contains(&format!("{unfinished}: 0 of 6 iterations")), "{page}");
    assert!(page.contains("front.svg") && page.contains("No network has been chosen yet"));
}

#[test]
fn networks_without_a_search_or_a_profile_are_reported_too() {
    let fixture = Fixture::new();
    fixture.remove("explore");
    fixture.remove("profile.json");
    fixture.remove("networks/2/pruned/test.json");
    fixture.remove("networks/2/pruned/measurement-host.json");
    let (table, page) = write_report(&fixture);
    assert_eq!(row(&table, 1, "dense")[1], "- [1]");
    assert!(table.contains("[1] its genome is not in the archive"), "{table}");
    assert!(table.contains("not tested yet: test.json is missing"), "{table}");
    assert_eq!(row(&table, 1, "dense")[4], "99.29 %");
    assert!(page.contains("no profile.json") && !page.contains("front.svg"));
}

#[test]
fn networks_of_other_data_are_marked() {
    let fixture = Fixture::new();
    let said = |fixture: &Fixture| {
        let (table, page) = write_report(fixture);
        let marks = ["was trained on other data than the search", "were tested on different data"];
        assert!(marks.iter().all(|mark| table.contains(mark) == page.contains(mark)));
        marks.map(|mark| table.contains(mark))
    };
    assert_eq!(said(&fixture), [false, false]);
    fixture.change("networks/2/dense/test.json", |test: &mut EvalReport| {
        test.data_sha256 = "0b".repeat(32);
    });
    assert_eq!(said(&fixture), [false, true]);
    fixture.change("networks/1/dense/train.json", |train: &mut TrainReport| {
        train.data_sha256 = "0b".repeat(32);
    });
    assert_eq!(said(&fixture), [true, true]);
    assert!(write_report(&fixture).0.contains("Rank 1 was trained on other data"));
}

#[test]
fn a_measurement_of_other_weights_does_not_count() {
    let fixture = Fixture::new();
    fixture.change("networks/1/pruned/test.json", |test: &mut EvalReport| {
        test.weights_sha256 = "00".repeat(32);
    });
    let (table, _) = write_report(&fixture);
    assert!(row(&table, 1, "pruned")[8].starts_with("- ["), "{table}");
    assert!(table.contains("measured on host with other weights than those tested"), "{table}");
    assert_eq!(row(&table, 1, "dense")[8], "522 µs");
}
