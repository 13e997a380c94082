//! Results, report and options of `prune run`.

use crate::workdir::{Workdir, result_bytes, succeed};
use common::files::json;
use common::network::Network;
use common::network::template::Template;
use common::network::weights::Weights;
use common::profile::PruneMethod;
use common::prune_report::PruneEnd;
use std::fs;

#[test]
fn a_run_writes_a_smaller_network_and_a_correct_report() {
    let dir = Workdir::new();
    let output = succeed(dir.prune("out", &["--cap", "0.5", "--seed", "3", "--threads", "2"]));
    let network: Network = json::read(&dir.at("out/network.json")).unwrap();
    let weights = Weights::read(&dir.at("out/weights.safetensors"), &network).unwrap();
    let trainable = weights.0.iter().filter(|(name, _)| !name.contains("running"));
    let parameters: usize = trainable.map(|(_, tensor)| tensor.data.len()).sum();
    let report = dir.report("out");
    assert_eq!(report.parameters_after, parameters as u64);
    assert!(
        report.cap_reached
            && report.ended == PruneEnd::Cap
            && report.removed > 0.47
            && report.removed <= 0.5
    );
    assert_eq!((report.method, report.seed, report.cap), (PruneMethod::L1, 3, 0.5));
    let filters: usize = report.rounds.iter().map(|round| round.filters_removed).sum();
    let channels = |n: &str| weights.get(&format!("{n}.weight")).shape[0];
    let left: usize = (1..=2)
        .flat_map(|l| (1..=2).map(move |f| format!("condense{l}.fel{f}.conv")))
        .map(|n| channels(&n))
        .sum();
    assert_eq!(filters, 4 * 6 - left);

    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(line["parameters_after"], parameters);
    assert_eq!((&line["removed"], &line["accuracy"]), (&report.removed.into(), &0.875.into()));
    let progress = String::from_utf8(output.stderr).unwrap();
    assert_eq!(progress.lines().count(), report.rounds.len(), "{progress}");
    let calls = dir.calls();
    assert_eq!(calls.len(), report.rounds.len());
    assert_eq!(
        calls[0],
        "--network out/rounds/1/network.json --init out/rounds/1/initial.safetensors --dataset data --out out/rounds/1 \
         --epochs 5 --seed 3 --learning-rate-scale 0.3 --threads 2"
    );
    assert_eq!(report.accuracy_before, 0.5);
    assert!(
        report.rounds.iter().all(|round| (round.accuracy_untuned, round.accuracy) == (0.5, 0.875))
    );
    let widths: usize = report.widths.iter().map(|width| width.before - width.after).sum();
    assert_eq!((widths, report.widths.len()), (filters, 6));
    let log = fs::read_to_string(dir.at("out/rounds/1/train.log")).unwrap();
    assert!(log.contains("learning rate scale of 0.3"), "{log}");
}

#[test]
fn options_override_the_profile() {
    let dir = Workdir::new();
    let profile = r#"{"schema": "neuropower/profile/1",
        "pruning": {"cap": 0.4, "cluster_factor": 0.8, "iterations": 2, "finetune_epochs": 1, "finetune_rate": 0.5}}"#;
    fs::write(dir.at("profile.json"), profile).unwrap();
    succeed(dir.prune(
        "out",
        &[
            "--config",
            "profile.json",
            "--cluster-factor",
            "0.7",
            "--method",
            "l1",
            "--device",
            "cuda",
        ],
    ));
    let report = dir.report("out");
    assert_eq!((report.cap, report.cluster_factor, report.iterations), (0.4, 0.7, 2));
    assert_eq!(
        (report.finetune_epochs, report.finetune_rate, report.method),
        (1, 0.5, PruneMethod::L1)
    );
    let call = &dir.calls()[0];
    assert!(
        call.ends_with(
            "--config profile.json --epochs 1 --seed 0 --learning-rate-scale 0.5 --device cuda:0"
        ),
        "{call}"
    );
}

#[test]
fn the_result_depends_on_the_seed_and_not_on_the_number_of_threads() {
    let dir = Workdir::with(&Template { growth_rate: 12, stem_channels: 8, ..Template::default() });
    for (out, threads, seed) in [("one", "1", "5"), ("two", "2", "5"), ("other", "2", "6")] {
        let mut command =
            dir.prune(out, &["--method", "kmeans", "--seed", seed, "--cluster-factor", "0.6"]);
        command.env("RAYON_NUM_THREADS", threads);
        succeed(command);
    }
    let [one, two, other] = ["one", "two", "other"].map(|out| result_bytes(&dir.at(out)));
    assert_eq!(one, two);
    assert_ne!(one[1], other[1]);
}

#[test]
fn a_cap_that_is_not_reached_is_reported() {
    let dir = Workdir::new();
    let output = succeed(dir.prune("short", &["--iterations", "1"]));
    let report = dir.report("short");
    assert!(
        !report.cap_reached && report.ended == PruneEnd::Iterations && report.rounds.len() == 1
    );
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("the cap of 0.65 is not reached: all iterations are used up"),
        "{stderr}"
    );

    let dir = Workdir::with(&Template { growth_rate: 1, stem_channels: 2, ..Template::default() });
    let output = succeed(dir.prune("out", &[]));
    let report = dir.report("out");
    assert!(!report.cap_reached && report.ended == PruneEnd::Filters && report.rounds.is_empty());
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&line["removed"], &line["accuracy"]), (&0.0.into(), &0.5.into()));
    for name in ["network.json", "weights.safetensors"] {
        assert_eq!(fs::read(dir.at("out").join(name)).unwrap(), fs::read(dir.at(name)).unwrap());
    }
}

#[test]
fn a_cap_smaller_than_a_filter_prunes_nothing() {
    let dir = Workdir::new();
    let output = succeed(dir.prune("out", &["--cap", "0.001"]));
    let report = dir.report("out");
    assert!(
        report.cap_reached
            && report.rounds.is_empty()
            && report.parameters_after == report.parameters_before
    );
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr, "nothing is pruned: one more filter would exceed the cap of 0.001\n");
}
