//! Tests of `explore network` and `explore space`.

use common::files::json;
use common::network::{Network, Origin, counts};
use common::search::genome::Optimizer;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn cifar10(dir: &Path) -> String {
    let files = json!([{"path": "batch.bin", "sha256": null}]);
    let recipe = json!({
        "schema": "neuropower/dataset/1", "name": "cifar10", "about": "", "format": "cifar10",
        "channels": 3, "height": 32, "width": 32,
        "classes": ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
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
        "condense_layers": condense_layers, "feature_extraction_layers": 16,
        "kernel_size": kernel_size,
        "optimizer": "sgd",
    });
    fs::write(dir.join("genome.json"), genome.to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_explore"));
    command
        .arg("network")
        .arg("--genome")
        .arg(dir.join("genome.json"))
        .args(["--dataset", &cifar10(dir)]);
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

fn baseline(dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_explore"));
    command.arg("network").args(arguments).args(["--dataset", &cifar10(dir)]);
    command.arg("--out").arg(dir.join("network.json")).output().unwrap()
}

/// The authors of ResNet and DenseNet state, rounded, 0.27, 0.85, 1.7, 1.0 and 7.0 million
/// parameters. The multiply-adds are computed in closed form. MLPerf Tiny's ResNet has 78,666
/// parameters in Keras, of which ours lacks the biases of convolutions and the running statistics.
#[test]
fn baselines_have_their_parameters() {
    let resnet = |blocks: u64| {
        let stage = |side: u64, from: u64, to: u64| {
            side * side * 9 * (from * to + (2 * blocks - 1) * to * to)
        };
        32 * 32 * 9 * 3 * 16 + stage(32, 16, 16) + stage(16, 16, 32) + stage(8, 32, 64) + 640
    };
    let densenet = |layers: u64| {
        let block = |side: u64, from: u64| {
            side * side * 9 * 12 * (0..layers).map(|i| from + 12 * i).sum::<u64>()
        };
        let [one, two, three] = [1, 2, 3].map(|blocks| 16 + 12 * layers * blocks);
        32 * 32 * (9 * 3 * 16 + one * one)
            + 16 * 16 * two * two
            + block(32, 16)
            + block(16, one)
            + block(8, two)
            + three * 10
    };
    let (biases, statistics) = (3 * 16 + 3 * 32 + 3 * 64, 2 * (3 * 16 + 2 * 32 + 2 * 64));
    let projections = 16 * 16 * 16 * 32 + 8 * 8 * 32 * 64;
    let golden = [
        ("resnet-8", 78_666 - biases - statistics, resnet(1) + projections),
        ("resnet-20", 269_722, resnet(3)),
        ("resnet-56", 853_018, resnet(9)),
        ("resnet-110", 1_727_962, resnet(18)),
        ("densenet-40-12", 1_019_722, densenet(12)),
        ("densenet-100-12", 6_979_642, densenet(32)),
    ];
    let dir = tempfile::tempdir().unwrap();
    for (name, parameters, macs) in golden {
        let printed: Value =
            serde_json::from_slice(&baseline(dir.path(), &["--baseline", name]).stdout).unwrap();
        assert_eq!(printed, json!({"parameters": parameters, "macs": macs}), "{name}");
        let written: Network = json::read(&dir.path().join("network.json")).unwrap();
        assert_eq!(
            written.origin,
            Origin::Baseline {
                name: name.into(),
                optimizer: if name == "resnet-8" { Optimizer::Adam } else { Optimizer::Sgd }
            }
        );
    }
}

#[test]
fn a_baselines_file_is_read_and_a_bad_one_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("own.json");
    let write = |depth: usize| {
        let own = json!({
            "schema": "neuropower/baseline/1", "name": "resnet-8", "about": "", "optimizer": "adam",
            "architecture": {"kind": "resnet", "depth": depth, "channels": [16, 32, 64]},
        });
        fs::write(&file, own.to_string()).unwrap();
        baseline(dir.path(), &["--baseline", file.to_str().unwrap()])
    };
    assert!(write(8).status.success());
    fs::remove_file(dir.path().join("network.json")).unwrap();
    let error = String::from_utf8(write(9).stderr).unwrap();
    assert!(
        error.contains("resnet-8") && error.contains("6 n + 2") && error.lines().count() == 1,
        "{error}"
    );
    assert!(!dir.path().join("network.json").exists());
}

#[test]
fn an_unknown_baseline_is_an_error_that_lists_the_known_ones() {
    let dir = tempfile::tempdir().unwrap();
    let output = baseline(dir.path(), &["--baseline", "vgg"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1));
    assert!(error.contains("\"vgg\"") && error.contains("resnet-110, densenet-40-12"), "{error}");
    for both in [
        &["--baseline", "resnet-20", "--genome", "g.json"][..],
        &["--baseline", "resnet-20", "--config", "p"],
        &[],
    ] {
        assert_eq!(baseline(dir.path(), both).status.code(), Some(2), "{both:?}");
    }
}

#[test]
fn genes_outside_the_space_are_refused_with_the_valid_values() {
    let dir = tempfile::tempdir().unwrap();
    let output = network(dir.path(), 2, 7);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1));
    assert!(
        error.contains("genome.json") && error.contains("kernel_size 7") && error.contains("3, 5"),
        "{error}"
    );
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
