//! Studies of how well short trainings rank networks.

use super::fixture::{Fixture, error_of, text};
use common::files::json;
use common::search::fidelity::Fidelity;
use common::train_report::TrainReport;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Command, Output};

/// Returns a fixture whose training in full is shorter than the paper's.
pub(crate) fn fixture() -> Fixture {
    let fixture = Fixture::new();
    let profile = json!({
        "schema": "neuropower/profile/1", "search": {"epochs": 2}, "training": {"epochs": 9},
        "space": {"condense_layers": [1, 2]},
    });
    fs::write(fixture.path("profile.json"), profile.to_string()).unwrap();
    fixture
}

fn study(fixture: &Fixture, short: &[&str]) -> Command {
    let mut command = fixture.explore("fidelity", "study");
    command.args(["--genomes", "5", "--seeds", "3"]);
    short.iter().for_each(|length| _ = command.args(["--short", length]));
    command
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    output
}

fn result(fixture: &Fixture) -> Fidelity {
    json::read(&fixture.path("study/fidelity.json")).unwrap()
}

/// Returns the accuracies in the training folders, by epochs and seed.
fn accuracies(fixture: &Fixture) -> BTreeMap<(usize, u64), BTreeSet<String>> {
    let mut found: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for entry in fs::read_dir(fixture.path("study")).unwrap() {
        if let Ok(report) = json::read::<TrainReport>(&entry.unwrap().path().join("train.json")) {
            let accuracy = report.accuracy.validation.unwrap().to_string();
            assert!(found.entry((report.epochs, report.seed)).or_default().insert(accuracy));
        }
    }
    found
}

#[test]
fn every_genome_is_trained_once_for_each_length_and_seed() {
    let fixture = fixture();
    let printed = text(&run(&mut study(&fixture, &["3x2", "1x900"])).stdout);
    let calls = fixture.calls();
    assert_eq!(calls.len(), 5 * 3 * 3);
    assert!(
        calls.iter().all(|(call, times)| call.ends_with(" 2") && *times == 1),
        "of 2 images at most: {calls:?}"
    );
    let fidelity = result(&fixture);
    assert_eq!(
        (fidelity.seeds.clone(), fidelity.genomes.len(), fidelity.short.len()),
        (vec![0, 1, 2], 5, 2)
    );
    assert_eq!((fidelity.full.epochs, fidelity.full.images), (9, 2));
    assert_eq!((fidelity.short[1].length.images, fidelity.short[1].cost), (2, 1.0 / 9.0));
    assert!(fidelity.genomes.windows(2).all(|pair| pair[0].parameters <= pair[1].parameters));
    let found = accuracies(&fixture);
    for (position, epochs) in [9, 3, 1].into_iter().enumerate() {
        for seed in 0..3 {
            let scores = fidelity.genomes.iter().map(|genome| match position {
                0 => genome.full[seed].to_string(),
                short => genome.short[short - 1][seed].to_string(),
            });
            assert_eq!(scores.collect::<BTreeSet<_>>(), found[&(epochs, seed as u64)]);
        }
    }
    for words in [
        "| 3 epochs of 2 images | 33.3 % |",
        "| 1 epoch of 2 images |",
        "| full training with another seed |",
    ] {
        assert!(printed.contains(words), "{words}: {printed}");
    }
    assert!(printed.contains(&format!(
        "| {} | {} |",
        fidelity.genomes[0].genome, fidelity.genomes[0].parameters
    )));
    let svg = fs::read_to_string(fixture.path("study/fidelity.svg")).unwrap();
    assert_eq!(svg.matches("<circle").count(), 2 * (5 + 1) * 3);
}

#[test]
fn finished_trainings_are_not_repeated() {
    let fixture = fixture();
    run(&mut study(&fixture, &["3x2"]));
    let (first, before) = (result(&fixture), fixture.calls().len());
    run(study(&fixture, &["3x2"]).args(["--workers", "4"]));
    assert_eq!((result(&fixture), fixture.calls().len(), before), (first.clone(), 0, 30));
    run(&mut study(&fixture, &["3x2", "1x2"]));
    assert_eq!((fixture.calls().len(), &result(&fixture).short[0]), (15, &first.short[0]));
    // Another training setting makes other trainings, in the same folder.
    let profile = fs::read_to_string(fixture.path("profile.json")).unwrap();
    fs::write(
        fixture.path("profile.json"),
        profile.replace("\"epochs\":9", "\"epochs\":9,\"momentum\":0.5"),
    )
    .unwrap();
    run(&mut study(&fixture, &["3x2"]));
    assert_eq!(fixture.calls().len(), 30);
}

#[test]
fn a_training_that_diverges_scores_0_and_the_profile_s_search_is_the_default() {
    let fixture = fixture();
    run(&mut study(&fixture, &[]));
    let whole = result(&fixture);
    assert_eq!((whole.short[0].length.epochs, whole.short[0].length.images), (2, 2));
    let calls = fixture.calls();
    let id = calls.keys().find_map(|call| call.strip_suffix("-9x2-s1 2")).unwrap();
    fs::remove_dir_all(fixture.path("study")).unwrap();
    let output = run(study(&fixture, &[]).env("FAKE_DIVERGE", format!("{id}-9x2-s0 {id}-9x2-s1")));
    assert!(text(&output.stderr).contains("failed: the training diverged"));
    let changed: Vec<usize> =
        (0..5).filter(|i| result(&fixture).genomes[*i] != whole.genomes[*i]).collect();
    assert_eq!(changed.len(), 1);
    let genome = &result(&fixture).genomes[changed[0]];
    assert_eq!(
        (&genome.full[..2], genome.full[2]),
        (&[0.0, 0.0][..], whole.genomes[changed[0]].full[2])
    );
}

#[test]
fn a_study_whose_trainings_all_diverge_fails_with_the_reason() {
    let fixture = fixture();
    let error = error_of(&study(&fixture, &[]).env("FAKE_DIVERGE", "all").output().unwrap());
    assert!(error.contains("all 30 trainings failed"), "{error}");
    assert!(!fixture.path("study/fidelity.json").exists());
}

#[test]
fn a_failure_of_the_machine_is_no_score() {
    let fixture = fixture();
    run(&mut study(&fixture, &[]));
    let whole = result(&fixture);
    let calls = fixture.calls();
    let cell = calls
        .keys()
        .find_map(|call| call.strip_suffix(" 2").filter(|id| id.ends_with("-2x2-s1")))
        .unwrap();
    fs::remove_dir_all(fixture.path("study")).unwrap();
    let error = error_of(&study(&fixture, &[]).env("FAKE_KILL", cell).output().unwrap());
    assert!(
        error.contains(&format!("{cell}: its training failed twice")) && error.contains("signal 9"),
        "{error}"
    );
    assert!(
        error.ends_with("what is finished is kept, and the same command goes on from there"),
        "{error}"
    );
    assert!(!fixture.path("study/fidelity.json").exists());
    let before = fixture.calls();
    run(&mut study(&fixture, &[]));
    assert_eq!(result(&fixture), whole);
    assert!(fixture.calls().contains_key(&format!("{cell} 2")) && before.len() > 1);
}

#[test]
fn bad_input_is_refused() {
    let fixture = fixture();
    for length in ["3", "0x5", "3x1", "3xall"] {
        let output = study(&fixture, &[length]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(
            text(&output.stderr).contains("EPOCHSxIMAGES"),
            "{length}: {}",
            text(&output.stderr)
        );
    }
    let error =
        error_of(&fixture.explore("fidelity", "study").args(["--genomes", "1"]).output().unwrap());
    assert!(error.contains("ranks need 2"), "{error}");
    // There are two images, so that both lengths of each pair are the same.
    for short in [["3x2", "3x5"], ["1x2", "9x2"]] {
        let error = error_of(&study(&fixture, &short).output().unwrap());
        assert!(
            error.contains("epochs of 2 images are given twice, or are the training in full"),
            "{error}"
        );
    }
}
