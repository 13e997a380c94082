//! Baselines go through all stages like other networks: they are expanded, trained, evaluated,
//! pruned and written as crates.

use common::files::json;
use common::manifest::Manifest;
use common::network::weights::Weights;
use common::network::{Network, Origin, counts};
use common::prune_report::PruneReport;
use common::train_report::EvalReport;
use std::fs;
use std::path::Path;
use std::process::Command;
use tests::{root, succeed};

/// Two small baselines, on the digits that ship with the project.
#[test]
fn all_stages_take_a_baseline() {
    let dir = tempfile::tempdir().unwrap();
    let digits = dir.path().join("digits").display().to_string();
    succeed(
        &root(),
        "fetch-data",
        &["--recipe", "pipelines/datasets/digits.json", "--out", &digits],
    );
    let training = r#"{"schema": "neuropower/profile/1", "training": {"batch": 32}}"#;
    fs::write(dir.path().join("profile.json"), training).unwrap();
    for (name, architecture, also) in [
        (
            "small-resnet",
            r#"{"kind": "resnet", "depth": 8, "channels": [8, 12, 16]}"#,
            "transitions",
        ),
        (
            "small-densenet",
            r#"{"kind": "densenet", "depth": 10, "growth_rate": 5, "stem_channels": 8}"#,
            "stem,transitions",
        ),
    ] {
        let baseline = format!(
            r#"{{"schema": "neuropower/baseline/1", "name": "{name}", "about": "", "optimizer": "nadam",
                "architecture": {architecture}}}"#
        );
        fs::write(dir.path().join("baseline.json"), baseline).unwrap();
        goes_through_all_stages(dir.path(), name, also);
    }
}

fn goes_through_all_stages(dir: &Path, name: &str, also: &str) {
    let accuracy = |folder: &str| {
        let paths = ["network.json", "weights.safetensors"].map(|file| format!("{folder}/{file}"));
        let arguments = [
            "eval",
            "--network",
            &paths[0],
            "--weights",
            &paths[1],
            "--dataset",
            "digits",
            "--split",
            "test",
        ];
        json::parse::<EvalReport>(&succeed(dir, "train", &arguments)).unwrap().accuracy
    };
    let on_digits = ["--dataset", "digits", "--config", "profile.json"];
    let network =
        ["network", "--baseline", "baseline.json", "--dataset", "digits", "--out", "network.json"];
    succeed(dir, "explore", &network);
    let [trained, pruned, again, out] =
        ["trained", "pruned", "again", "crate"].map(|folder| format!("{name}/{folder}"));
    let fit = ["fit", "--network", "network.json", "--out", &trained, "--epochs", "8"];
    succeed(dir, "train", &[&fit[..], &on_digits].concat());
    assert!(accuracy(&trained) > 0.85, "{name}: {} on the test images", accuracy(&trained));

    let [network, weights] =
        ["network.json", "weights.safetensors"].map(|file| format!("{trained}/{file}"));
    let more = ["--cap", "0.25", "--finetune-epochs", "2", "--also", also];
    let prune = ["run", "--network", &network, "--weights", &weights, "--out", &pruned];
    succeed(dir, "prune", &[&prune[..], &on_digits, &more].concat());
    let report: PruneReport = json::read(&dir.join(&pruned).join("prune.json")).unwrap();
    assert!(report.cap_reached && report.removed > 0.2, "{name}: {} removed", report.removed);
    let pruned_width = |part: &str| {
        report.widths.iter().any(|w| w.convolution.starts_with(part) && w.after < w.before)
    };
    assert_eq!(
        (pruned_width("stem"), pruned_width("transition")),
        (also.contains("stem"), also.contains("stem")),
        "{name}"
    );
    assert!(accuracy(&pruned) > 0.8, "{name}: {} on the test images, pruned", accuracy(&pruned));

    // A pruned network can be pruned again.
    let [network, weights] =
        ["network.json", "weights.safetensors"].map(|file| format!("{pruned}/{file}"));
    let more = ["--cap", "0.1", "--iterations", "1", "--finetune-epochs", "1", "--also", also];
    let prune = ["run", "--network", &network, "--weights", &weights, "--out", &again];
    succeed(dir, "prune", &[&prune[..], &on_digits, &more].concat());
    let second: PruneReport = json::read(&dir.join(&again).join("prune.json")).unwrap();
    assert!(
        second.parameters_before == report.parameters_after && second.removed > 0.0,
        "{name}: {second:?}"
    );

    for (folder, report) in [(&pruned, &report), (&again, &second)] {
        let [network, weights] =
            ["network.json", "weights.safetensors"].map(|file| format!("{folder}/{file}"));
        let generate = [
            "generate",
            "--network",
            &network,
            "--weights",
            &weights,
            "--platform",
            "x86_64",
            "--out",
            &out,
        ];
        let manifest: Manifest = json::parse(&succeed(dir, "codegen", &generate)).unwrap();
        let network: Network = json::read(&dir.join(network)).unwrap();
        let counts = counts::count(&network).unwrap();
        assert_eq!(
            (manifest.name.as_str(), manifest.parameters, manifest.macs),
            (name, counts.parameters, counts.macs)
        );
        assert_eq!((report.parameters_after, report.macs_after), (counts.parameters, counts.macs));
        let tensors = Weights::read(&dir.join(weights), &network).unwrap().0;
        let trainable = tensors.iter().filter(|(name, _)| !name.contains("running"));
        assert_eq!(
            trainable.map(|(_, tensor)| tensor.data.len() as u64).sum::<u64>(),
            counts.parameters
        );
        assert!(matches!(network.origin, Origin::Baseline { name: of, .. } if of == name));
    }
    // The crate of the network that was pruned twice passes its own tests.
    let tested = Command::new("cargo")
        .args(["test", "--release"])
        .current_dir(dir.join(&out))
        .output()
        .unwrap();
    assert!(tested.status.success(), "{name}: {}", String::from_utf8_lossy(&tested.stderr));
}
