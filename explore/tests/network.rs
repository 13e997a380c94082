//! `explore network` and `explore space` as programs.

use common::network::Network;
use common::{counts, json};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn cifar10(dir: &Path) -> String {
    let files = json!([{"path": "batch.bin", "sha256": null}]);
    let recipe = json!({
        "schema": "neuropower/dataset/1", "name": "cifar10", "about": "", "format": "cifar10",
        "channels": 3, "height": 32, "width": 32, "classes": ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
        "normalisation": {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]},
        "validation": {"fraction": 0.1, "seed": 0}, "train": files, "test": files, "sources": [],
    });
    let path = dir.join("cifar10.json");
    fs::write(&path, recipe.to_string()).unwrap();
    path.display().to_string()
}

fn network(dir: &Path, condense_layers: usize, kernel_size: usize) -> Output {
    let genome = json!({
        "schema": "neuropower/genome/1", "left_activation": "swish", "right_activation": "relu",
        "condense_layers": condense_layers, "feature_extraction_layers": 16, "kernel_size": kernel_size,
        "optimizer": "sgd",
    });
    fs::write(dir.join("genome.json"), genome.to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_explore"));
    command.arg("network").arg("--genome").arg(dir.join("genome.json")).args(["--dataset", &cifar10(dir)]);
    command.arg("--out").arg(dir.join("network.json")).output().unwrap()
}

/// C10-Net.1 and ADONN-Arch.3 on CIFAR-10 (paper, Table 2).
#[test]
fn the_papers_networks_have_their_parameters() {
    let dir = tempfile::tempdir().unwrap();
    for (condense_layers, parameters) in [(2, 65_506), (3, 141_442)] {
        let output = network(dir.path(), condense_layers, 3);
        let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(printed["parameters"], json!(parameters));
        let written: Network = json::read(&dir.path().join("network.json")).unwrap();
        let counts = counts::count(&written).unwrap();
        assert_eq!((counts.parameters, json!(counts.macs)), (parameters, printed["macs"].clone()));
    }
}

#[test]
fn genes_outside_the_space_are_refused_with_the_valid_values() {
    let dir = tempfile::tempdir().unwrap();
    let output = network(dir.path(), 2, 7);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1));
    assert!(error.contains("genome.json") && error.contains("kernel_size 7") && error.contains("3, 5"), "{error}");
    assert!(!dir.path().join("network.json").exists());
}

#[test]
fn the_space_is_described() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_explore"));
    let output = command.args(["space", "--dataset", &cifar10(dir.path())]).output().unwrap();
    let space: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&space["size"], &space["distinct_functions"]), (&json!(7840), &json!(5600)));
    assert_eq!(space["genes"]["condense_layers"], json!([1, 2, 3, 4]));
    assert_eq!(space["parameters"], json!({"min": 20_002, "max": 8_355_586}));
    assert_eq!(space["discontinuous"]["genomes"], json!(1920));
    assert_eq!(space["infeasible"]["genomes"], json!(0));
}
