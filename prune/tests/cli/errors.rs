//! Wrong inputs and failed trainings.

use crate::support::Sizes;
use crate::workdir::{Workdir, dataset, fail, succeed};
use common::files::json;
use common::network::template::Template;
use std::fs;
use std::process::Command;

#[test]
fn wrong_inputs_are_errors_of_one_line() {
    let dir = Workdir::new();
    let message = |options: &[&str]| fail(dir.prune("out", options), 0);
    for cap in ["0", "1", "1.5", "-0.1", "NaN"] {
        let said = message(&[&format!("--cap={cap}")]);
        assert!(said.contains("cap") && said.contains("between 0 and 1"), "{said}");
    }
    assert!(
        message(&["--cluster-factor", "1"]).contains("cluster_factor 1 must be between 0 and 1")
    );
    assert!(message(&["--iterations", "0"]).contains("iterations 0 must be 1 to 100000"));
    assert!(!dir.at("out").exists());

    let other =
        Sizes { condense_layers: 1, fels: 1, kernel: 3, template: Template::default() }.model(8, 1);
    json::write(&dir.at("other.json"), &other.network).unwrap();
    assert!(
        message(&["--config", "missing.json"]).starts_with("missing.json: cannot read the file")
    );
    assert!(
        fail(dir.prune_with("data", "out", &[]), 0)
            .starts_with("data/train: there is no such program")
    );
    fs::write(dir.at("file"), "").unwrap();
    assert!(fail(dir.prune("file/out", &[]), 0).contains("file/out: cannot create the folder"));
    assert!(
        fail(dir.prune(".", &[]), 0)
            .starts_with("network.json: the results would be written over this")
    );

    json::write(&dir.at("data/dataset.json"), &dataset(4)).unwrap();
    assert!(message(&[]).contains("3 classes, but those of tiny are 3x8x8 and of 4 classes"));
    fs::copy(dir.at("other.json"), dir.at("network.json")).unwrap();
    assert!(message(&[]).starts_with("weights.safetensors: these weights are not of this network"));
    fs::remove_file(dir.at("weights.safetensors")).unwrap();
    assert!(message(&[]).starts_with("weights.safetensors: cannot read the file"));
}

#[test]
fn a_training_that_diverges_is_an_error() {
    let dir = Workdir::new();
    let mut command = dir.prune("out", &[]);
    command.env("FAKE_TRAIN_DIVERGED", "true");
    let message = fail(command, 0);
    assert!(
        message.contains("round 1: out/rounds/1/train.json: the training diverged"),
        "{message}"
    );
}

/// Weights with the report of their training beside them.
#[test]
fn a_network_whose_training_diverged_is_refused() {
    let dir = Workdir::new();
    succeed(dir.prune("first", &["--iterations", "1"]));
    let report = fs::read_to_string(dir.at("first/rounds/1/train.json")).unwrap();
    fs::write(dir.at("train.json"), &report).unwrap();
    succeed(dir.prune("well", &["--iterations", "1"]));
    let diverged = report.replace("\"diverged\": false", "\"diverged\": true");
    assert_ne!(diverged, report);
    fs::write(dir.at("train.json"), diverged).unwrap();
    let message = fail(dir.prune("out", &[]), 0);
    assert!(
        message.starts_with("train.json: the training diverged, so these are its initial weights"),
        "{message}"
    );
    fs::write(dir.at("train.json"), &report[..report.len() / 2]).unwrap();
    assert!(fail(dir.prune("out", &[]), 0).starts_with("train.json: "));
    assert!(!dir.at("out").exists());
}

#[test]
fn wrong_usage_exits_with_2_and_help_has_an_example() {
    let dir = Workdir::new();
    assert_eq!(dir.prune("out", &["--method", "magic"]).output().unwrap().status.code(), Some(2));
    let help = Command::new(env!("CARGO_BIN_EXE_prune")).args(["run", "--help"]).output().unwrap();
    let text = String::from_utf8(help.stdout).unwrap();
    assert!(text.contains("Example:") && text.contains("kmeans, l1, random"), "{text}");
}
