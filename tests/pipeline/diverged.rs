//! Runs in which the training of a winner diverges.

use crate::{PROFILE, Pipeline};
use common::files::json;
use common::train_report::TrainReport;
use std::fs;
use tests::succeed;

/// Trains a winner of a finished search at a rate at which the training diverges.
fn diverge(pipeline: &Pipeline, rank: usize) {
    let rates = ["adam", "sgd", "adagrad", "adamax", "nadam"]
        .map(|optimizer| format!("\"{optimizer}\": 1e38"))
        .join(", ");
    let profile =
        PROFILE.replace("\"epochs\": 6", &format!("\"epochs\": 1, \"learning_rate\": {{{rates}}}"));
    let dir = pipeline.0.path();
    fs::write(dir.join("wild.json"), profile).unwrap();
    let genome = format!("run/explore/winners/{rank}/genome.json");
    let out = format!("run/networks/{rank}/dense");
    succeed(
        dir,
        "train",
        &[
            "fit",
            "--genome",
            &genome,
            "--dataset",
            "digits",
            "--config",
            "wild.json",
            "--out",
            &out,
        ],
    );
    let report: TrainReport = json::read(&dir.join(out).join("train.json")).unwrap();
    assert!(report.diverged);
}

/// The other winners go through all stages, and a second call of make does nothing.
#[test]
fn a_winner_that_diverges_is_left_out() {
    let pipeline = Pipeline::new();
    pipeline.make(&["explore"]);
    diverge(&pipeline, 1);
    let table = pipeline.make(&["pipeline"]);
    assert!(table.contains("The training of rank 1 diverged: it has no result"), "{table}");
    let written: Vec<String> =
        pipeline.times().into_keys().map(|path| path.display().to_string()).collect();
    let of_first =
        written.iter().filter(|path| path.starts_with("networks/1/")).map(String::as_str);
    let files = ["network.json", "train.json", "train.svg", "weights.safetensors"]
        .map(|file| format!("networks/1/dense/{file}"));
    assert_eq!(of_first.collect::<Vec<_>>(), files);
    for kind in ["dense", "pruned"] {
        for file in ["test.json", "crate-x86_64/manifest.json", "measurement-host.json"] {
            assert!(written.contains(&format!("networks/2/{kind}/{file}")), "{kind} {file}");
        }
    }
    for goal in ["pipeline", "train", "prune", "codegen", "report"] {
        assert_eq!(pipeline.written_by(&[goal]), [""; 0], "{goal}");
    }
    let measured = pipeline.written_by(&["measure"]);
    let measured: Vec<&String> =
        measured.iter().filter(|path| path.contains("measurement-")).collect();
    assert_eq!(
        measured,
        ["networks/2/dense/measurement-host.json", "networks/2/pruned/measurement-host.json"]
    );
    let refused = pipeline.command(&["prune-compare", "NETWORK=1"]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).to_string();
    assert!(
        !refused.status.success()
            && said.contains("networks/1/dense/train.json: the training diverged"),
        "{said}"
    );

    // Without any winner left, make writes the page and fails.
    fs::remove_dir_all(pipeline.run().join("networks/2")).unwrap();
    diverge(&pipeline, 2);
    for goal in ["pipeline", "prune", "measure"] {
        let failed = pipeline.command(&[goal]).output().unwrap();
        let said = String::from_utf8_lossy(&failed.stderr).to_string();
        assert!(!failed.status.success(), "{goal}");
        assert!(said.lines().any(|line| line.starts_with("all trainings in ")), "{goal}: {said}");
    }
    let page = fs::read_to_string(pipeline.run().join("report/index.html")).unwrap();
    assert!(page.contains("The training of rank 1, 2 diverged"));
    // Trained again by hand at another rate, a winner is like any other.
    let dense = pipeline.run().join("networks/2/dense");
    let path = |file: &str| pipeline.0.path().join(file).display().to_string();
    let options = [
        "fit",
        "--genome",
        "../../../explore/winners/2/genome.json",
        "--out",
        ".",
        "--epochs",
        "1",
    ];
    succeed(
        &dense,
        "train",
        &[&options[..], &["--dataset", &path("digits"), "--config", &path("profile.json")]]
            .concat(),
    );
    pipeline.make(&["pipeline"]);
    assert!(pipeline.run().join("networks/2/pruned/measurement-host.json").exists());
}
