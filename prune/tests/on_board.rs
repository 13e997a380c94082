//! Pruning until the crate meets a target, with fakes of `train`, `codegen` and `measure`: a crate
//! takes a nanosecond for each byte of its weights.

mod support;
mod workdir;

use common::board::{Board, Hwmon, Meter, catalog};
use common::files::json;
use common::prune_report::{PruneEnd, PruneReport};
use std::fs;
use std::path::Path;
use workdir::{BIN_DIR, Workdir, fail, result_bytes, succeed};

/// Runs and measures all rounds until the cap.
fn all_rounds(dir: &Workdir) -> PruneReport {
    succeed(dir.prune("all", &["--board", "host"]));
    dir.calls();
    dir.measured();
    dir.report("all")
}

fn latencies(report: &PruneReport) -> Vec<f64> {
    report.measured.as_ref().unwrap().crates.iter().map(|measured| measured.latency_s).collect()
}

/// Returns a `--latency-target` that the crate of a round just meets.
fn met_by(report: &PruneReport, round: usize) -> String {
    format!("--latency-target={}", latencies(report)[round])
}

#[test]
fn without_a_target_every_round_is_measured() {
    let dir = Workdir::new();
    let report = all_rounds(&dir);
    let measured = report.measured.as_ref().unwrap();
    assert_eq!(
        (report.ended, measured.board.as_str(), measured.target.any()),
        (PruneEnd::Cap, "host", false)
    );
    assert_eq!(measured.crates.len(), report.rounds.len() + 1);
    assert!(latencies(&report).is_sorted_by(|a, b| a > b), "{:?}", latencies(&report));
    for (crate_, path) in
        measured.crates.iter().zip(["weights.safetensors", "all/rounds/1/weights.safetensors"])
    {
        let bytes = fs::metadata(dir.at(path)).unwrap().len() as f64;
        assert!((crate_.latency_s * 1e9 - bytes).abs() < 1e-3, "{path}");
        assert_eq!(crate_.energy_reason.as_deref(), Some("made up not to be there"));
    }
}

#[test]
fn rounds_end_when_the_target_is_met() {
    let dir = Workdir::new();
    let all = all_rounds(&dir);
    let output = succeed(dir.prune("out", &["--board", "host", &met_by(&all, 2)]));
    let report = dir.report("out");
    assert_eq!(
        (report.ended, report.rounds.len(), report.cap_reached),
        (PruneEnd::Target, 2, false)
    );
    assert_eq!(report.rounds, all.rounds[..2]);
    assert_eq!(latencies(&report), latencies(&all)[..3]);
    for file in ["network.json", "weights.safetensors"] {
        assert_eq!(
            fs::read(dir.at("out").join(file)).unwrap(),
            fs::read(dir.at("all/rounds/2").join(file)).unwrap()
        );
    }
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&line["latency_s"], &line["energy_j"]),
        (&latencies(&all)[2].into(), &serde_json::Value::Null)
    );
    let stderr = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!(lines.len(), 5, "{stderr}");
    assert!(lines[0].starts_with("original: 0.0") && lines[0].ends_with(" ms on host"), "{stderr}");
    assert!(lines[4].starts_with("round 2: 0.0") && lines[4].ends_with(" ms on host"), "{stderr}");
}

#[test]
fn a_network_that_meets_the_target_is_not_pruned() {
    let dir = Workdir::new();
    let output = succeed(dir.prune("out", &["--board", "host", "--latency-target", "1"]));
    let report = dir.report("out");
    assert_eq!((report.ended, report.rounds.len(), dir.calls().len()), (PruneEnd::Target, 0, 0));
    for file in ["network.json", "weights.safetensors"] {
        assert_eq!(fs::read(dir.at("out").join(file)).unwrap(), fs::read(dir.at(file)).unwrap());
    }
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.ends_with("nothing is pruned: the network meets the target as it is\n"),
        "{stderr}"
    );
}

#[test]
fn a_target_that_is_not_met_is_a_failure_with_all_files() {
    let dir = Workdir::new();
    let output = dir
        .prune("out", &["--board", "host", "--latency-target", "1e-9", "--cap", "0.3"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let report = dir.report("out");
    assert!(report.ended == PruneEnd::Cap && report.cap_reached && report.rounds.len() > 1);
    assert_eq!(report.end(), "one more filter would exceed the cap; the target on host is not met");
    assert!(
        ["network.json", "weights.safetensors", "accuracy.svg"]
            .iter()
            .all(|file| dir.at("out").join(file).exists())
    );
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(line["latency_s"], *latencies(&report).last().unwrap());
    let stderr = String::from_utf8(output.stderr).unwrap();
    let expected = format!(
        "error: the target of 0.000001000 ms on host is not met: the last crate takes {}, and one more filter would \
         exceed the cap; all files of it are in out",
        report.measured.as_ref().unwrap().crates.last().unwrap()
    );
    assert_eq!(stderr.lines().last().unwrap(), expected);

    let few = ["--board", "host", "--latency-target", "1e-9", "--iterations", "1"];
    let output = dir.prune("few", &few).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.lines().last().unwrap().contains("and all iterations are used up"), "{stderr}");
    assert_eq!(dir.report("few").ended, PruneEnd::Iterations);
}

#[test]
fn an_interrupted_run_repeats_no_training_and_no_measurement() {
    let dir = Workdir::new();
    let all = all_rounds(&dir);
    let options = ["--board", "host", &met_by(&all, 3)];
    succeed(dir.prune("whole", &options));
    assert_eq!((dir.calls().len(), dir.measured().len()), (3, 4));

    let mut interrupted = dir.prune("out", &options);
    interrupted.env("FAKE_TRAIN_FAIL", "2");
    assert!(fail(interrupted, 3).starts_with("round 2: "));
    assert_eq!((dir.calls().len(), dir.measured().len()), (2, 2));
    // Unplugged when the crate of round 2 is to be measured, after its training.
    let mut unplugged = dir.prune("out", &options);
    unplugged.env("FAKE_UNPLUGGED", "1");
    let said = fail(unplugged, 4);
    assert!(said.starts_with("round 2: ") && said.contains("made up to be unplugged"), "{said}");
    assert!(!dir.at("out/prune.json").exists());
    assert_eq!((dir.calls().len(), dir.measured().len()), (1, 0));
    let progress = String::from_utf8(succeed(dir.prune("out", &options)).stderr).unwrap();
    assert_eq!((dir.calls().len(), dir.measured().len()), (1, 2));
    assert_eq!(progress.matches("(measured before)").count(), 2, "{progress}");
    assert_eq!(result_bytes(&dir.at("out")), result_bytes(&dir.at("whole")));
    succeed(dir.prune("out", &options));
    assert_eq!((dir.calls().len(), dir.measured().len()), (0, 0));
}

#[test]
fn other_measurement_settings_are_measured_again() {
    let dir = Workdir::new();
    let measured = |options: &[&str]| {
        succeed(dir.prune("out", &[options, &["--latency-target", "1"]].concat()));
        dir.measured()
    };
    assert_eq!(
        measured(&["--board", "host"]),
        ["--crate out/measuring/crate --board out/measuring/board.json --config out/measuring/profile.json --out "
            .to_string()
            + &only_record(&dir)]
    );
    assert!(measured(&["--board", "host"]).is_empty());
    let far = measured(&["--board", "host", "--board-host", "pi@pi", "--ssh-config", "ssh"]);
    assert!(far.len() == 1 && far[0].ends_with(" --board-host pi@pi --ssh-config ssh"), "{far:?}");
    let longer =
        r#"{"schema": "neuropower/profile/1", "search": {"measurement": {"window_s": 2.0}}}"#;
    fs::write(dir.at("longer.json"), longer).unwrap();
    assert_eq!(measured(&["--board", "host", "--config", "longer.json"]).len(), 1);
    let profile = fs::read_to_string(dir.at("out/measuring/profile.json")).unwrap();
    assert!(profile.contains("\"window_s\": 2.0"), "{profile}");
    let own = Board { about: "another one".into(), ..host() };
    json::write(&dir.at("own.json"), &own).unwrap();
    assert_eq!(measured(&["--board", "own.json"]).len(), 1);
}

fn only_record(dir: &Workdir) -> String {
    let records: Vec<_> = fs::read_dir(dir.at("out/measurements")).unwrap().collect();
    assert_eq!(records.len(), 1);
    format!("out/measurements/{}", records[0].as_ref().unwrap().file_name().display())
}

fn host() -> Board {
    catalog::find("host", Path::new("")).unwrap()
}

/// A record without energy is not reused if there is an energy target.
#[test]
fn energy_can_be_a_target() {
    let dir = Workdir::new();
    let all = all_rounds(&dir);
    let energy = format!("--energy-target={}", latencies(&all)[1]);
    let said = fail(dir.prune("all", &["--board", "host", &energy]), 0);
    assert!(
        said.contains("before any training: ") && said.ends_with("measuring/measure.log"),
        "{said}"
    );
    assert!(said.contains("energy is required, but made up not to be there"), "{said}");
    dir.measured();
    let mut command = dir.prune("all", &["--board", "host", &energy]);
    command.env("FAKE_ENERGY", "1");
    succeed(command);
    assert_eq!(dir.measured().len(), 2);
    let report = dir.report("all");
    let measured = report.measured.unwrap();
    assert_eq!(
        (report.ended, report.rounds.len(), measured.crates.len()),
        (PruneEnd::Target, 1, 2)
    );
    assert_eq!(measured.crates[1].energy_j, Some(latencies(&all)[1]));
    assert_eq!(measured.crates[1].energy_reason, None);
    // Both must be met.
    let mut command = dir.prune("all", &["--board", "host", &energy, &met_by(&all, 2)]);
    command.env("FAKE_ENERGY", "1");
    succeed(command);
    assert_eq!(dir.report("all").rounds.len(), 2);
}

#[test]
fn a_failed_measurement_ends_the_run_before_any_training() {
    let dir = Workdir::new();
    let refused = |options: &[&str], words: &str| {
        let said = fail(dir.prune("out", options), 0);
        assert!(said.contains(words), "{said}");
        assert!(dir.calls().is_empty() && !dir.at("out/rounds/original.json").exists());
    };
    refused(&["--board", "moon"], "there is no board \"moon\"; known boards: host");
    refused(
        &["--board", "qemu-aarch64", "--latency-target", "1"],
        "qemu-aarch64 is emulated: its times are not a board's",
    );
    refused(&["--board", "host", "--latency-target", "0"], "must be above 0 seconds");
    refused(&["--board", "host", "--energy-target", "NaN"], "must be above 0 joules");
    let hwmon = Some(Hwmon { chip: "ina219".into(), rail: None });
    for (meter, words) in [
        (Meter::None, Some("the board host has no meter")),
        (Meter::Manual, Some("the meter of the board host, manual, cannot be read by itself")),
        (Meter::Hwmon, None),
    ] {
        let hwmon = hwmon.clone().filter(|_| meter == Meter::Hwmon);
        json::write(&dir.at("own.json"), &Board { meter, hwmon, ..host() }).unwrap();
        let options = ["--board", "own.json", "--energy-target", "1"];
        refused(&options, words.unwrap_or("before any training: "));
    }
    let mut unplugged = dir.prune("out", &["--board", "host"]);
    unplugged.env("FAKE_UNPLUGGED", "1");
    let said = fail(unplugged, 0);
    assert!(
        said.starts_with("the network as it is, before any training: ")
            && said.contains("unplugged"),
        "{said}"
    );

    let without_codegen = dir.at("bin");
    fs::create_dir(&without_codegen).unwrap();
    fs::copy(Path::new(BIN_DIR).join("train"), without_codegen.join("train")).unwrap();
    let said = fail(dir.prune_with("bin", "out", &["--board", "host"]), 0);
    assert!(said.starts_with("bin/codegen: there is no such program"), "{said}");
    assert!(dir.calls().is_empty());
    for options in [["--latency-target", "1"], ["--energy-target", "1"], ["--board-host", "pi@pi"]]
    {
        assert_eq!(dir.prune("out", &options).output().unwrap().status.code(), Some(2));
    }
}
