//! Int8 networks: their rows, what they cost and save, and refusals.

use crate::fixture::int8::REFUSAL;
use crate::fixture::{Fixture, HOSTILE};
use crate::{DENSE, SCRIPTS, compared, refused, row, write_report};
use common::files::json;
use common::measurement::{Communication, Energy, EnergyStatus, Measurement};
use common::precision::{Precision, Precisions, RunPrecision};
use common::quantized::Outcome;
use common::search::config::SearchConfig;
use common::train_report::{EvalReport, TrainReport};
use std::fs;

const INT8: &str = "networks/1/dense/int8/measurement-host.json";

/// Returns the cells of the row of an int8 network in the table of costs and savings.
fn savings(said: &str, rank: usize, variant: &str) -> Vec<String> {
    let (_, table) = said.split_once("constants, x86_64").expect("the second table");
    let cells = |line: &str| -> Vec<String> {
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(String::from).collect()
    };
    let is_it = |row: &Vec<String>| row.len() > 2 && row[..2] == [rank.to_string(), variant.into()];
    table.lines().map(cells).find(is_it).unwrap_or_else(|| panic!("{rank} {variant}: {said}"))
}

fn energy(joules: f64) -> Energy {
    Energy {
        reason: None,
        gross_j: Some(joules),
        gross_interval_j: Some([0.99 * joules, 1.01 * joules]),
        net_reason: Some("no idle".into()),
        ..Energy::without_numbers(EnergyStatus::Measured, "rapl".into(), String::new())
    }
}

#[test]
fn without_int8_networks_nothing_of_them_is_shown() {
    let (table, page) = write_report(&Fixture::new());
    assert!(!table.contains("int8") && !page.contains("int8 costs"), "{table}");
}

#[test]
fn an_int8_network_has_a_row_and_its_cost_beside_f32() {
    let fixture = Fixture::new();
    fixture.add_int8("1/dense");
    fixture.add_int8("2/pruned");
    let (said, page) = write_report(&fixture);
    assert_eq!(row(&said, 1, "dense")[4..9], ["99.29 %", "65,074", "26.1 M", "15.26", "522 µs"]);
    assert_eq!(row(&said, 1, "int8")[4..9], ["99.17 %", "65,074", "26.1 M", "15.24", "261 µs"]);
    assert_eq!(row(&said, 2, "pruned int8")[4], "98.65 %");
    let dense = savings(&said, 1, "int8");
    assert_eq!(dense[2..6], ["99.17 % (-0.12 points)", "4.00x", "3.00x", "2.00x"], "{said}");
    assert!(dense[6].starts_with("- ["), "no energy is null with a reason: {dense:?}");
    assert_eq!(savings(&said, 2, "pruned int8")[3..6], ["4.00x", "3.00x", "2.00x"]);
    assert_eq!(said.matches("pruned int8").count(), 2, "{said}");
    for shown in ["What int8 costs and saves", ">mnist-1-dense-int8<", ">4.00x<", ">65,074 bytes<"]
    {
        assert!(page.contains(shown), "{shown}");
    }
    // Each kind of network may be the baseline of the other table.
    assert_eq!(compared(&fixture, "1/dense", "1/dense/int8").0[3], "2.00x");
    assert_eq!(compared(&fixture, "2/pruned/int8", "2/pruned").0[3], "0.50x");
}

#[test]
fn energy_and_noise_are_those_of_the_measurements() {
    let fixture = Fixture::new();
    fixture.add_int8("1/dense");
    fixture.change(DENSE, |m: &mut Measurement| m.energy = energy(0.06));
    let no_energy = savings(&write_report(&fixture).0, 1, "int8");
    assert!(no_energy[6].starts_with("- ["), "energy of one of both: {no_energy:?}");
    fixture.change(INT8, |m: &mut Measurement| m.energy = energy(0.02));
    assert_eq!(savings(&write_report(&fixture).0, 1, "int8")[5..], ["2.00x", "3.00x"]);
    fixture.change(INT8, |m: &mut Measurement| m.latency.p50_interval_s[1] = 1.0);
    assert_eq!(savings(&write_report(&fixture).0, 1, "int8")[5], "~2.00x");
    fixture.change(INT8, |m: &mut Measurement| {
        m.emulated = true;
        let status = EnergyStatus::Unavailable;
        m.energy = Energy::without_numbers(status, "none".into(), "an emulator".into());
    });
    let (said, _) = write_report(&fixture);
    assert!(savings(&said, 1, "int8")[5].starts_with("- ["), "{said}");
    assert!(said.contains("host is emulated: its times say nothing about a board"), "{said}");
}

#[test]
fn what_was_not_made_in_both_precisions_is_null_with_the_reason() {
    let fixture = Fixture::new();
    fixture.add_int8("1/dense");
    fixture.add_int8("1/pruned");
    fixture.remove("networks/1/dense/measurement-host.json");
    fixture.remove("networks/1/dense/crate-x86_64");
    fixture.remove("networks/1/dense/test.json");
    let (said, _) = write_report(&fixture);
    let row = savings(&said, 1, "int8");
    assert!(row[2..].iter().all(|cell| cell.starts_with("- [")), "{row:?}");
    for reason in [
        "not tested in both precisions",
        "there are not both crates for x86_64: `make codegen`",
        "f32: not measured yet: `make measure`",
    ] {
        assert!(said.contains(reason), "{reason} is not in {said}");
    }
    fixture.change("networks/1/pruned/int8/test.json", |test: &mut EvalReport| {
        test.weights_sha256 = "00".repeat(32);
    });
    let (said, _) = write_report(&fixture);
    assert!(savings(&said, 1, "pruned int8")[5].starts_with("- ["), "{said}");
    assert!(said.contains("measured on host with other weights than those tested"), "{said}");
}

/// What is left of an accepted network is not shown after a refusal.
#[test]
fn a_refusal_is_shown_with_its_reason_and_leaves_the_f32_row() {
    let fixture = Fixture::new();
    fixture.add_int8("1/dense");
    fixture.refuse_int8("1/dense");
    let (said, page) = write_report(&fixture);
    assert_eq!(row(&said, 1, "dense")[4], "99.29 %");
    let refused = row(&said, 1, "int8");
    for (column, cell) in refused.iter().enumerate().skip(4) {
        assert!([5, 6].contains(&column) != cell.starts_with("- ["), "{refused:?}");
    }
    let note = format!("refused: {REFUSAL}");
    assert!(said.contains(&note) && page.contains(&note), "{said}");
    assert!(!page.contains("mnist-1-dense-int8"));
    // Nor is it a network to compare with.
    let error = {
        fs::remove_dir_all(fixture.out()).unwrap();
        let output = crate::report_with(&fixture, &["--baseline", "1/dense/int8"]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(error.contains("the run has no network \"1/dense/int8\""), "{error}");
    fixture.change("networks/1/dense/int8/outcome.json", |outcome: &mut Outcome| {
        outcome.reason = Some(HOSTILE.into());
    });
    assert_eq!(write_report(&fixture).1.matches("<script").count(), SCRIPTS);
}

#[test]
fn an_int8_network_of_other_weights_has_no_result() {
    let fixture = Fixture::new();
    fixture.add_int8("1/dense");
    fixture.change("networks/1/dense/int8/outcome.json", |outcome: &mut Outcome| {
        outcome.weights_sha256 = "00".repeat(32);
    });
    let (said, _) = write_report(&fixture);
    assert!(row(&said, 1, "int8")[4].starts_with("- ["), "{said}");
    assert!(said.contains("made of other weights than those of the f32 network"), "{said}");
    // That of a training that diverged is not even shown.
    fixture.add_int8("2/dense");
    fixture.change("networks/2/dense/train.json", |train: &mut TrainReport| train.diverged = true);
    let (said, _) = write_report(&fixture);
    assert!(
        !said.lines().any(|line| line.trim_start().starts_with('2') && line.contains("  int8  "))
    );
    fs::write(fixture.run().join("networks/1/dense/int8/outcome.json"), "{").unwrap();
    fs::remove_dir_all(fixture.out()).unwrap();
    assert!(refused(&fixture).contains("networks/1/dense/int8/outcome.json"));
}

#[test]
fn the_front_of_a_search_in_int8_says_so() {
    let fixture = Fixture::new();
    let caption = "Errors are those of int8 networks.";
    assert!(!write_report(&fixture).1.contains(caption));
    fixture.change("explore/search.json", |search: &mut SearchConfig| {
        search.precision = Precision::Int8;
    });
    assert!(write_report(&fixture).1.contains(caption));
}

#[test]
fn networks_that_are_not_to_be_measured_say_so() {
    let fixture = Fixture::new();
    fixture.add_int8("1/dense");
    fixture.remove("networks/1/dense/measurement-host.json");
    let said = |fixture: &Fixture| write_report(fixture).0;
    assert!(said(&fixture).contains("not measured yet: `make measure`"));
    let only = RunPrecision { precision: Precisions::Int8 };
    json::write(&fixture.run().join("precision.json"), &only).unwrap();
    fixture.remove("networks/1/pruned/measurement-host.json");
    let (table, page) = write_report(&fixture);
    assert!(table.contains("not measured: this run has PRECISION=int8"), "{table}");
    assert!(!table.split("What").next().unwrap().contains("[1] not measured yet"), "{table}");
    assert!(page.contains("<dt>precisions of crates</dt><dd>int8</dd>"));
    // Crates for GPUs compute in f32 only.
    let gpu = "networks/1/dense/measurement-gpu.json";
    fs::copy(fixture.run().join(INT8), fixture.run().join(gpu)).unwrap();
    fixture.change(gpu, |m: &mut Measurement| {
        m.communication = Some(Communication { h2d_s: 1e-6, kernel_s: 1e-3, d2h_s: 1e-6 });
    });
    assert!(said(&fixture).contains("there are no int8 crates for GPUs, such as that of gpu"));
}
