//! A whole run: what is made, what is made again, and another board.

use crate::{PROFILE, Pipeline, sshd};
use common::dataset::{Dataset, Split};
use common::files::json;
use common::manifest::Manifest;
use common::measurement::Measurement;
use common::network::reference::class_of;
use common::network::weights::Weights;
use common::prune_report::PruneReport;
use common::search::archive::Archive;
use common::train_report::{EvalReport, TrainReport};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tests::succeed;

#[test]
fn the_whole_pipeline() {
    let pipeline = Pipeline::new();
    let table = pipeline.make(&["pipeline"]);
    for word in
        ["dense", "pruned", "test accuracy", "parameters", "MACs", "NID", "latency", "energy"]
    {
        assert!(table.contains(word), "{word:?} is not in the table: {table}");
    }
    let page = fs::read_to_string(pipeline.run().join("report/index.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("</html>"));

    check_search(&pipeline.run());
    for rank in [1, 2] {
        check_network(&pipeline, rank);
    }
    check_crate(&pipeline, &pipeline.run().join("networks/1/pruned"));
    check_pruning_methods(&pipeline);
    check_out_of_date(&pipeline);
    check_another_board(&pipeline);
}

fn check_search(run: &Path) {
    let archive: Archive = json::read(&run.join("explore/archive.json")).unwrap();
    assert_eq!((archive.iterations, archive.evaluations), (2, 8));
    let lines = fs::read_to_string(run.join("explore/evaluations.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 8);
}

fn check_network(pipeline: &Pipeline, rank: usize) {
    let folder = pipeline.run().join(format!("networks/{rank}"));
    let dense: TrainReport = json::read(&folder.join("dense/train.json")).unwrap();
    let network: common::network::Network =
        json::read(&folder.join("pruned/network.json")).unwrap();
    let tensors = Weights::read(&folder.join("pruned/weights.safetensors"), &network).unwrap().0;
    let trainable = tensors.iter().filter(|(name, _)| !name.contains("running"));
    let counts = common::network::counts::count(&network).unwrap();
    assert_eq!(
        trainable.map(|(_, tensor)| tensor.data.len() as u64).sum::<u64>(),
        counts.parameters
    );
    let manifest = Manifest::read(&folder.join("pruned/crate-x86_64")).unwrap();
    assert_eq!((manifest.parameters, manifest.macs), (counts.parameters, counts.macs));
    let left = counts.parameters as f64 / dense.parameters as f64;
    // In networks as small as these one filter is up to a fifth of the parameters.
    assert!((0.7..0.9).contains(&left), "{left} of the parameters are left, but the cap is 0.3");
    let report: PruneReport = json::read(&folder.join("pruned/prune.json")).unwrap();
    assert!(report.cap_reached && report.parameters_before == dense.parameters, "{report:?}");
    let test: EvalReport = json::read(&folder.join("dense/test.json")).unwrap();
    assert_eq!(test.images, 359);
}

/// All methods prune to the same size with the same images; table, figures and page show them all.
fn check_pruning_methods(pipeline: &Pipeline) {
    let table = pipeline.make(&["prune-compare", "NETWORK=2"]);
    let network = pipeline.run().join("networks/2");
    let read =
        |way: &str| json::read::<PruneReport>(&network.join(way).join("prune.json")).unwrap();
    let first = read("pruned");
    for (way, method) in
        [("pruned", "l1"), ("pruned-kmeans", "kmeans"), ("pruned-random", "random")]
    {
        let report = read(way);
        assert!(table.lines().any(|line| line.starts_with(&format!("{way} "))), "{table}");
        assert_eq!(
            (report.method.name(), report.cap_reached, report.seed),
            (method, true, first.seed)
        );
        assert_eq!(report.parameters_before, first.parameters_before);
    }
    let images = |folder: PathBuf| {
        let report: TrainReport = json::read(&folder.join("train.json")).unwrap();
        report.epochs * report.images
    };
    let rounds = (1..=first.rounds.len())
        .map(|round| images(network.join(format!("pruned/rounds/{round}"))));
    assert_eq!(images(network.join("pruned/scratch")), rounds.sum::<usize>());
    pipeline.make(&["report"]);
    let drawn = fs::read_to_string(network.join("pruning/accuracy.svg")).unwrap();
    assert!(["pruned-kmeans", "pruned-random"].iter().all(|way| drawn.contains(way)));
    let page = fs::read_to_string(pipeline.run().join("report/index.html")).unwrap();
    assert!(
        page.contains(">pruned-random<")
            && page.matches("<img src=\"data:image/svg+xml,").count() == 4
    );
}

/// The crate passes its own tests, and classifies the test images as `train eval` does.
fn check_crate(pipeline: &Pipeline, network: &Path) {
    let folder = network.join("crate-x86_64");
    let cargo = |arguments: &[&str]| {
        let output = Command::new("cargo").args(arguments).current_dir(&folder).output().unwrap();
        assert!(
            output.status.success(),
            "cargo {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(cargo(&["test", "--release"]).contains("test result: ok"));
    let data = pipeline.0.path().join("digits");
    let images = data.join("t10k-images-idx3-ubyte");
    let classes = cargo(&[
        "run",
        "--release",
        "--quiet",
        "--bin",
        "classify",
        "--",
        images.to_str().unwrap(),
    ]);
    let classes: Vec<usize> = classes
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["class"].as_u64().unwrap()
                as usize
        })
        .collect();
    let logits = pipeline.0.path().join("logits");
    let arguments = [
        "eval",
        "--network",
        "network.json",
        "--weights",
        "weights.safetensors",
        "--split",
        "test",
    ];
    let more = ["--dataset", data.to_str().unwrap(), "--dump-logits", logits.to_str().unwrap()];
    succeed(network, "train", &[&arguments[..], &more].concat());
    let logits = Weights::from_bytes(&fs::read(logits).unwrap()).unwrap();
    let expected: Vec<usize> = logits.get("logits").data.chunks(10).map(class_of).collect();
    assert_eq!(classes.len(), Dataset::load(&data, Split::Test).unwrap().len());
    let equal = classes.iter().zip(&expected).filter(|(a, b)| a == b).count();
    let jumps = json::read::<common::network::Network>(&network.join("network.json")).unwrap();
    // A pair of activations that jumps at 0 makes rounding visible: 99 % of the images.
    let needed = if jumps.origin.genome().unwrap().activation().jumps_at_zero() {
        expected.len() * 99 / 100
    } else {
        expected.len()
    };
    assert!(equal >= needed, "{equal} of {} classes agree", expected.len());
}

/// Only what is out of date is made again.
fn check_out_of_date(pipeline: &Pipeline) {
    assert_eq!(pipeline.written_by(&["pipeline"]), [""; 0]);
    assert_eq!(pipeline.written_by(&["-n", "pipeline"]), [""; 0]);

    // Each time with the report, whose figures depend on the meters of this machine.
    let written_with_report = |goal: &[&str]| -> Vec<String> {
        let written = pipeline.written_by(goal);
        assert!(written.iter().any(|path| path == "report/index.html"), "{written:?}");
        written.into_iter().filter(|path| !path.starts_with("report/")).collect()
    };
    for file in ["networks/2/pruned/test.json", "networks/1/dense/measurement-host.json"] {
        fs::remove_file(pipeline.run().join(file)).unwrap();
        assert_eq!(written_with_report(&["pipeline"]), [file]);
    }

    let measured = written_with_report(&["measure", "BOARD=host"]);
    assert!(measured.iter().all(|path| path.contains("measurement-host")), "{measured:?}");
    assert_eq!(measured.len(), 4);

    // A run on another profile is not continued by mistake.
    fs::write(
        pipeline.0.path().join("profile.json"),
        PROFILE.replace("\"epochs\": 6", "\"epochs\": 7"),
    )
    .unwrap();
    let output = pipeline.command(&["pipeline"]).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).to_string();
    assert!(
        !output.status.success() && message.contains("started with another profile"),
        "{message}"
    );
    assert_eq!(written_with_report(&["measure"]).len(), 4);
}

/// On a board behind ssh, missing crates are generated, and all are built, copied and run; the
/// report gets columns for the board. Nothing is searched or trained.
fn check_another_board(pipeline: &Pipeline) {
    let folder = pipeline.0.path();
    let Some(_sshd) = sshd::Sshd::start(folder, "/usr/bin:/bin") else { return };
    let board = r#"{"schema":"neuropower/board/1","name":"lab","about":"","platform":"x86_64",
        "target":"x86_64-unknown-linux-gnu","runner":"ssh","meter":"rapl"}"#;
    fs::write(folder.join("lab.json"), board).unwrap();
    fs::remove_dir_all(pipeline.run().join("networks/1/dense/crate-x86_64")).unwrap();
    let at = |file: &str| folder.join(file).display().to_string();
    let (file, ssh) = (
        format!("BOARD_FILE={}", at("lab.json")),
        format!("MEASURE_ARGS=--ssh-config {}", at("ssh_config")),
    );
    let before = pipeline.times();
    let said = pipeline.make(&[
        "measure",
        "BOARD=lab",
        "BOARD_HOST=board",
        &file,
        &ssh,
        "BASELINE=resnet-20",
    ]);
    let changed =
        pipeline.times().into_iter().filter(|(path, time)| before.get(path) != Some(time));
    let changed = changed.map(|(path, _)| path.display().to_string());
    let (measured, others): (Vec<String>, Vec<String>) =
        changed.partition(|path| path.ends_with("/measurement-lab.json"));
    let networks = [
        "baselines/resnet-20",
        "networks/1/dense",
        "networks/1/pruned",
        "networks/2/dense",
        "networks/2/pruned",
    ];
    assert_eq!(measured, networks.map(|network| format!("{network}/measurement-lab.json")));
    for file in others {
        let ours = ["report/", "networks/1/dense/crate-x86_64/", "baselines/resnet-20/"];
        assert!(ours.iter().any(|folder| file.starts_with(folder)), "{file} was made anew");
    }
    let record: Measurement = json::read(&pipeline.run().join(&measured[1])).unwrap();
    assert!(record.latency.p50_s > 0.0 && !record.emulated && record.energy.gross_j.is_none());
    for words in
        ["latency p50, lab", "speedup, lab", "energy efficiency, lab", "* resnet-20 (untrained)"]
    {
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
}
