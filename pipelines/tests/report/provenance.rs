//! How a run was made.

use crate::fixture::Fixture;
use crate::write_report;
use common::files::json;
use common::precision::{Precisions, RunPrecision};
use common::program::Program;
use common::search::config::SearchConfig;
use common::train_report::TrainReport;
use std::fs;

/// Returns the section of the page.
fn section(page: &str) -> &str {
    let (_, rest) = page.split_once("<section id=\"provenance\"").unwrap();
    rest.split_once("</section>").unwrap().0
}

#[test]
fn the_command_hashes_and_times_are_there() {
    let fixture = Fixture::new();
    fixture.change("networks/1/dense/train.json", |train: &mut TrainReport| {
        train.timing.program = Some(Program { version: "0.1.0".into(), commit: "c0ffee".into() });
    });
    let round = fixture.run().join("networks/1/pruned/rounds/1");
    fs::create_dir_all(&round).unwrap();
    fs::copy(fixture.run().join("networks/1/dense/train.json"), round.join("train.json")).unwrap();
    fs::write(round.with_file_name("original.inputs.txt"), "beside the rounds").unwrap();
    let (_, page) = write_report(&fixture);
    let section = section(&page);
    for text in [
        // The folder's name has characters that make refuses.
        "make pipeline DATASET=mnist PROFILE_FILE=runs/RUN/profile.json SEED=42 RUN=runs/RUN-again BOARD=host",
        "become the same to the byte",
        "version 0.1.0, commit c0ffee",
        "not recorded: made by an earlier version",
        "3 min 20 s",
        "6 min 30 s",
        "1 fine-tuning",
        "measurement on host",
        "The energy of the search is not recorded",
        &"da".repeat(32),
        &"c0".repeat(32),
        &"b1".repeat(32),
    ] {
        assert!(section.contains(text), "{text} is not in {section}");
    }
}

#[test]
fn what_differs_from_the_profile_is_said() {
    let fixture = Fixture::new();
    let precision = RunPrecision { precision: Precisions::Int8 };
    json::write(&fixture.run().join("precision.json"), &precision).unwrap();
    fixture.change("explore/search.json", |search: &mut SearchConfig| {
        search.search.epochs += 1;
        search.criteria.general.min_accuracy = Some(0.97);
    });
    let (_, page) = write_report(&fixture);
    assert!(section(&page).contains("PRECISION=int8 EXPLORE_ARGS=&quot;--min-accuracy 0.97&quot;"));
    assert!(section(&page).contains("with other settings than the profile's"));
    fixture.change("explore/search.json", |search: &mut SearchConfig| {
        search.dataset = "mnist;ls".into();
    });
    let (_, page) = write_report(&fixture);
    assert!(section(&page).contains("No command is given") && !section(&page).contains("make pip"));
    fixture.remove("explore");
    let (_, page) = write_report(&fixture);
    assert!(section(&page).contains("There is no explore/search.json"));
}
