//! The panel of each network.

use crate::fixture::Fixture;
use crate::fixture::int8::REFUSAL;
use crate::{report_with, write_report};
use common::train_report::TrainReport;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The most bytes of a page.
const MOST_BYTES: usize = 3_000_000;

/// Returns the text of a network's panel.
fn panel<'a>(page: &'a str, id: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("<details id=\"{id}\">")).unwrap();
    rest.split("<details id=").next().unwrap()
}

#[test]
fn a_panel_has_everything_of_its_network() {
    let fixture = Fixture::new();
    fixture.add_int8("1/dense");
    for network in ["1/dense", "1/dense/int8", "1/pruned"] {
        fixture.add_mistakes(network);
    }
    fixture.add_memory_figure("1/dense", 20);
    let (_, page) = write_report(&fixture);
    let dense = panel(&page, "network-1-dense");
    for words in [
        "1/dense: ",
        "FEL 1 7 of 12",
        "Loss by epoch",
        "9,929 of 10,000 test images are right: 99.29 %",
        "Confusion of 10 classes",
        "data:image/png;base64,",
        "Accuracy by class",
        "Working memory: 120,000 bytes",
        "3,000 in 3 x 1 s",
        "host (short protocol)",
        "no readable counter",
        "--manifest-path networks/1/dense/crate-x86_64/Cargo.toml --bin bench",
    ] {
        assert!(dense.contains(words), "{words} is not in {dense}");
    }
    let pruned = panel(&page, "network-1-pruned");
    assert!(pruned.contains("Validation accuracy by share removed") && pruned.contains("McNemar"));
    assert!(!pruned.contains("Loss by epoch"));
    let int8 = panel(&page, "network-1-dense-int8");
    assert!(int8.contains("href=\"#network-1-dense\"") && !int8.contains("FEL 1 7 of 12"));
    assert!(panel(&page, "network-2-dense").contains("earlier version"), "an old test.json");
}

#[test]
fn a_network_that_gets_no_crates_has_the_reason_instead() {
    let fixture = Fixture::new();
    fixture.refuse_int8("1/dense");
    fixture.change("networks/2/dense/train.json", |train: &mut TrainReport| {
        train.diverged = true;
    });
    let (_, page) = write_report(&fixture);
    let (refused, diverged) =
        (panel(&page, "network-1-dense-int8"), panel(&page, "network-2-dense"));
    assert!(refused.contains(REFUSAL) && diverged.contains("the training diverged"));
    assert!(diverged.contains("Loss by epoch"), "how it diverged");
    for panel in [refused, diverged] {
        assert!(!panel.contains("Use it") && !panel.contains("make codegen"), "{panel}");
    }
}

#[test]
fn pictures_of_mistakes_can_be_left_out() {
    let fixture = Fixture::new();
    fixture.add_mistakes("1/dense");
    assert!(report_with(&fixture, &["--no-images"]).status.success());
    let page = fs::read_to_string(fixture.out().join("index.html")).unwrap();
    assert!(!page.contains("data:image/png") && page.contains("--no-images"));
    assert!(page.contains("Confusion of 10 classes"));
}

#[test]
fn a_page_with_twelve_networks_is_small() {
    let fixture = Fixture::new();
    for network in ["1/dense", "1/pruned"] {
        fixture.add_int8(network);
        for network in [network.to_string(), format!("{network}/int8")] {
            fixture.add_mistakes(&network);
            fixture.add_memory_figure(&network, 150);
        }
    }
    let networks = fixture.run().join("networks");
    fixture.remove("networks/2");
    for rank in 2..=12 {
        copy(&networks.join("1"), &networks.join(rank.to_string()));
    }
    let (_, page) = write_report(&fixture);
    assert_eq!(page.matches("<details id=\"network-").count(), 48);
    assert!(page.len() < MOST_BYTES, "{} bytes", page.len());
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-r").args([from, to]).status().unwrap().success());
}
