//! Pruning until the crate meets a target on the host, with the real programs.

use common::files::json;
use common::measurement::Measurement;
use common::prune_report::{PruneEnd, PruneReport};
use std::fs;
use std::path::Path;
use tests::{GENOME, root, run, succeed, write_idx_dataset};

/// The targets are met by every machine or by none, so no outcome depends on times.
#[test]
fn pruning_ends_when_the_crate_is_fast_enough() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write_idx_dataset(&dir.join("data"), 60, |i| (i % 3) as u8);
    let profile = r#"{"schema": "neuropower/profile/1", "training": {"batch": 20},
        "search": {"measurement": {"idle_s": 0, "warmup_s": 0.05, "windows": 2, "window_s": 0.05}}}"#;
    fs::write(dir.join("profile.json"), profile).unwrap();
    fs::write(dir.join("genome.json"), GENOME).unwrap();
    let fit = [
        "fit",
        "--genome",
        "genome.json",
        "--dataset",
        "data",
        "--config",
        "profile.json",
        "--out",
        "trained",
    ];
    succeed(dir, "train", &[&fit[..], &["--epochs", "1"]].concat());
    fs::copy(root().join("pipelines/boards/host.json"), dir.join("host.json")).unwrap();

    let met = prune(dir, "met", "1000");
    assert!(met.status.success(), "{}", String::from_utf8_lossy(&met.stderr));
    let report: PruneReport = json::read(&dir.join("met/prune.json")).unwrap();
    assert!(report.ended == PruneEnd::Target && report.rounds.is_empty());
    check_records(dir, "met", &report);

    let missed = prune(dir, "missed", "1e-12");
    let said = String::from_utf8(missed.stderr).unwrap();
    assert_eq!(missed.status.code(), Some(1), "{said}");
    assert!(
        said.lines()
            .last()
            .unwrap()
            .starts_with("error: the target of 0.000000001000 ms on host is not met"),
        "{said}"
    );
    let report: PruneReport = json::read(&dir.join("missed/prune.json")).unwrap();
    assert_eq!((report.ended, report.rounds.len()), (PruneEnd::Iterations, 1));
    check_records(dir, "missed", &report);
}

fn prune(dir: &Path, out: &str, latency_s: &str) -> std::process::Output {
    let network = ["--network", "trained/network.json", "--weights", "trained/weights.safetensors"];
    let more =
        ["run", "--dataset", "data", "--config", "profile.json", "--out", out, "--iterations", "1"];
    let target =
        ["--finetune-epochs", "1", "--board", "./host.json", "--latency-target", latency_s];
    run(dir, "prune", &[&more[..], &network, &target].concat())
}

/// Checks that each crate has a measurement, whose numbers are in the report.
fn check_records(dir: &Path, out: &str, report: &PruneReport) {
    let measured = report.measured.as_ref().unwrap();
    assert_eq!(measured.crates.len(), report.rounds.len() + 1);
    let records: Vec<Measurement> = fs::read_dir(dir.join(out).join("measurements"))
        .unwrap()
        .map(|entry| json::read(&entry.unwrap().path()).unwrap())
        .collect();
    assert_eq!(records.len(), measured.crates.len());
    for taken in &measured.crates {
        let record =
            records.iter().find(|record| record.ran.crate_sha256 == taken.crate_sha256).unwrap();
        assert_eq!(
            (record.latency.p50_s, record.latency.p50_interval_s),
            (taken.latency_s, taken.latency_interval_s)
        );
        assert_eq!(record.windows.len(), 2);
    }
}
