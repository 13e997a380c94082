//! The comparison of all networks with a baseline.

use crate::fixture::Fixture;
use crate::{DENSE, PRUNED, compared, report_with};
use common::eval_report::{EvalReport, WrongImage};
use common::measurement::{Communication, Energy, EnergyStatus, Measurement};
use std::fs;
use std::ops::Range;

#[test]
fn networks_are_compared_with_a_baseline_as_in_table_3() {
    let fixture = Fixture::new();
    let energy = |joules: f64| Energy {
        reason: None,
        gross_j: Some(joules),
        gross_interval_j: Some([0.99 * joules, 1.01 * joules]),
        net_reason: Some("no idle".into()),
        ..Energy::without_numbers(EnergyStatus::Measured, "rapl".into(), String::new())
    };
    let set = |file: &str, p50_s: f64, joules: f64| {
        fixture.change(file, |m: &mut Measurement| {
            m.latency.p50_s = p50_s;
            m.latency.p50_interval_s = [0.98 * p50_s, 1.02 * p50_s];
            m.energy = energy(joules);
        });
    };
    set(DENSE, 3e-3, 0.06);
    set(PRUNED, 2e-3, 0.06);
    let (row, said) = compared(&fixture, "1/dense", "1/pruned");
    assert_eq!(row[2..], ["~1.00x", "1.50x"], "{said}");
    assert_eq!(compared(&fixture, "1/dense", "* 1/dense").0[1..], ["15.26", "1", "1"]);
    assert_eq!(compared(&fixture, "1/pruned", "1/dense").0[3], "0.67x");
    let page = fs::read_to_string(fixture.out().join("index.html")).unwrap();
    assert!(page.contains("Compared with the baseline") && page.contains("Behind a ~"));
    // Copying and computing apart, on one of the two and on both.
    let parts = |scale: f64| {
        Some(Communication { h2d_s: 3e-6 * scale, kernel_s: 2e-3 * scale, d2h_s: 1e-6 * scale })
    };
    fixture.change(DENSE, |m: &mut Measurement| m.communication = parts(2.0));
    assert!(
        compared(&fixture, "1/dense", "1/pruned")
            .1
            .contains("copying and computing were not measured apart")
    );
    fixture.change(PRUNED, |m: &mut Measurement| m.communication = parts(1.0));
    assert_eq!(compared(&fixture, "1/dense", "1/pruned").0[4..], ["2.00x", "2.00x/2.00x"]);
    fixture.change(PRUNED, |m: &mut Measurement| {
        m.emulated = true;
        m.energy =
            Energy::without_numbers(EnergyStatus::Unavailable, "none".into(), "emulated".into());
    });
    assert!(
        compared(&fixture, "1/dense", "1/pruned")
            .1
            .contains("host is emulated: its times say nothing about a board")
    );
}

#[test]
fn a_baseline_that_was_not_trained_is_marked() {
    let fixture = Fixture::new();
    let folder = fixture.run().join("baselines/resnet-110");
    fs::create_dir_all(&folder).unwrap();
    for file in ["network.json", "measurement-host.json"] {
        fs::copy(fixture.run().join("networks/1/dense").join(file), folder.join(file)).unwrap();
    }
    let (row, said) = compared(&fixture, "resnet-110", "* resnet-110 (untrained)");
    assert!(row[1].starts_with("- ["), "{row:?}");
    assert!(said.contains("not tested: NID needs a test accuracy"), "{said}");
    assert!(compared(&fixture, "resnet-110", "1/dense").0[3].ends_with("1.00x"));
    let error = |name: &str| {
        let output = report_with(&fixture, &["--baseline", name]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(error("vgg").contains("no network \"vgg\" to compare with; it has 1/dense, 1/pruned"));
}

#[test]
fn accuracies_are_compared_by_the_images_on_which_networks_differ() {
    let fixture = Fixture::new();
    let older = "does not list its mistakes";
    assert!(compared(&fixture, "1/dense", "1/pruned").1.contains(older));
    let mistakes = |file: &str, images: Range<usize>| {
        let wrong = |image| WrongImage { image, label: 0, predicted: 1 };
        fixture
            .change(file, |test: &mut EvalReport| test.wrong = Some(images.map(wrong).collect()));
    };
    // 71 and 126 mistakes of 10,000 images, 21 of them the same.
    mistakes("networks/1/dense/test.json", 0..71);
    mistakes("networks/1/pruned/test.json", 50..176);
    let (_, said) = compared(&fixture, "1/dense", "1/pruned");
    let row = |said: &str| -> Vec<String> {
        let (_, rest) = said.split_once("only the network right").unwrap();
        let line = rest.lines().find(|line| line.starts_with("1/pruned")).unwrap();
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(String::from).collect()
    };
    assert_eq!(row(&said)[1..], ["98.74 %", "-0.55 points", "105", "50", "< 0.001"], "{said}");
    let page = fs::read_to_string(fixture.out().join("index.html")).unwrap();
    assert!(page.contains("McNemar") && page.contains("&lt; 0.001"));
    // Nearly the same mistakes.
    mistakes("networks/1/pruned/test.json", 0..126);
    let (_, said) = compared(&fixture, "1/dense", "1/pruned");
    assert_eq!(row(&said)[3..5], ["55", "0"]);
    fixture.change("networks/1/pruned/test.json", |test: &mut EvalReport| {
        test.data_sha256 = "0b".repeat(32);
    });
    let (_, said) = compared(&fixture, "1/dense", "1/pruned");
    assert!(said.contains("tested on other data than the baseline"), "{said}");
}
