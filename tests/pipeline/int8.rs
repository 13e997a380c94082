//! Runs with int8 networks: what `PRECISION` makes, refusals, and measuring them elsewhere.

use crate::Pipeline;
use common::dataset::{Dataset, Split};
use common::files::json;
use common::manifest::Manifest;
use common::network::Network;
use common::network::weights::Weights;
use common::precision::Precision;
use common::quantized::Outcome;
use common::train_report::EvalReport;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

const NETWORKS: [&str; 4] = ["1/dense", "1/pruned", "2/dense", "2/pruned"];

/// Returns the networks that were measured, of the files that a make has written.
fn measured(written: &[String]) -> BTreeSet<&str> {
    written
        .iter()
        .filter_map(|path| path.strip_prefix("networks/")?.strip_suffix("/measurement-host.json"))
        .collect()
}

#[test]
fn int8_networks_are_made_beside_their_weights() {
    let pipeline = Pipeline::new();
    pipeline.make(&["pipeline"]);
    assert!(!pipeline.run().join("networks/1/dense/int8").exists(), "the profile has f32 alone");

    let table = pipeline.make(&["pipeline", "PRECISION=both"]);
    for words in ["  int8  ", "  pruned int8  ", "constants, x86_64", "speedup, host"] {
        assert!(table.contains(words), "{words:?} is not in {table}");
    }
    let networks = pipeline.run().join("networks");
    for network in NETWORKS {
        check_network(&networks.join(network));
    }
    // What was asked for last holds.
    for goal in ["pipeline", "report", "codegen"] {
        assert_eq!(pipeline.written_by(&[goal]), [""; 0], "{goal}");
    }
    assert_eq!(pipeline.written_by(&["-n", "pipeline"]), [""; 0]);
    check_lost_files(&pipeline);
    check_refusal(&pipeline);
    check_measuring(&pipeline);
}

fn check_network(folder: &Path) {
    let int8 = folder.join("int8");
    let outcome: Outcome = json::read(&int8.join("outcome.json")).unwrap();
    assert!(outcome.accepted && outcome.max_loss == 1.0, "{outcome:?}");
    let test: EvalReport = json::read(&int8.join("test.json")).unwrap();
    assert_eq!((test.split.as_str(), test.images), ("test", 359));
    let [f32, int8] = [folder, &int8].map(|f| Manifest::read(&f.join("crate-x86_64")).unwrap());
    assert_eq!((f32.precision, int8.precision), (Precision::F32, Precision::Int8));
    assert_eq!(int8.weights_sha256, test.weights_sha256);
    assert!(int8.name == format!("{}-int8", f32.name), "{}", int8.name);
    assert!(2 * int8.weights_bytes < f32.weights_bytes && 2 * int8.arena_bytes < f32.arena_bytes);
}

/// A lost file of an int8 network is made again, with the same bytes, and nothing else but what is
/// made of it.
fn check_lost_files(pipeline: &Pipeline) {
    let int8 = pipeline.run().join("networks/1/pruned/int8");
    let file = int8.join("quantized.safetensors");
    let bytes = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    let written = pipeline.written_by(&["pipeline"]);
    assert_eq!(fs::read(&file).unwrap(), bytes);
    let outside: Vec<&String> = written
        .iter()
        .filter(|path| !path.starts_with("networks/1/pruned/int8/"))
        .filter(|path| !path.starts_with("report/"))
        .collect();
    assert_eq!(outside, [""; 0]);
    assert_eq!(pipeline.written_by(&["pipeline"]), [""; 0]);
}

/// A network that cannot be quantized keeps its f32 row; make succeeds, and tries it once.
fn check_refusal(pipeline: &Pipeline) {
    let folder = pipeline.run().join("networks/2/pruned");
    let network: Network = json::read(&folder.join("network.json")).unwrap();
    let path = folder.join("weights.safetensors");
    let mut weights = Weights::read(&path, &network).unwrap();
    weights.0.get_mut("condense1.fel1.conv.weight").unwrap().data.fill(0.0);
    weights.write(&path).unwrap();
    let table = pipeline.make(&["pipeline"]);
    let reason = "refused: cannot quantize: layer condense1.fel1.conv";
    assert!(table.contains(reason), "{table}");
    let page = fs::read_to_string(pipeline.run().join("report/index.html")).unwrap();
    assert!(page.contains(reason));
    let outcome: Outcome = json::read(&folder.join("int8/outcome.json")).unwrap();
    assert!(!outcome.accepted);
    for goal in ["pipeline", "report"] {
        assert_eq!(pipeline.written_by(&[goal]), [""; 0], "{goal}");
    }
    // A failure that is no refusal stops make.
    let genuine = fs::read(&path).unwrap();
    weights.0.get_mut("stem.conv.weight").unwrap().data.fill(f32::NAN);
    weights.write(&path).unwrap();
    let failed = pipeline.command(&["pipeline"]).output().unwrap();
    let said = String::from_utf8_lossy(&failed.stderr).to_string();
    assert!(!failed.status.success() && said.contains("not finite"), "{said}");
    fs::write(&path, genuine).unwrap();
    pipeline.make(&["pipeline"]);
}

/// `make measure` takes the int8 networks that are there, also in a copy without times, and only
/// them if so asked.
fn check_measuring(pipeline: &Pipeline) {
    let all = ["1/dense", "1/dense/int8", "1/pruned", "1/pruned/int8", "2/dense", "2/dense/int8"];
    let mut all: BTreeSet<&str> = all.into();
    all.insert("2/pruned");
    assert_eq!(measured(&pipeline.written_by(&["measure"])), all);
    let copy = Pipeline::new();
    for part in ["run", "digits"] {
        let part = pipeline.0.path().join(part);
        let copied = Command::new("cp").arg("-r").arg(part).arg(copy.0.path()).status();
        assert!(copied.unwrap().success());
    }
    fs::remove_dir_all(copy.run().join("networks/1/dense/int8/crate-x86_64")).unwrap();
    let int8: BTreeSet<&str> = all.iter().copied().filter(|n| n.ends_with("/int8")).collect();
    let written = copy.written_by(&["measure", "PRECISION=int8"]);
    assert_eq!(measured(&written), int8);
    assert!(written.contains(&"precision.json".to_string()), "{written:?}");
    assert!(written.contains(&"networks/1/dense/int8/crate-x86_64/manifest.json".to_string()));
    assert!(!written.iter().any(|path| path.ends_with("outcome.json")), "{written:?}");
    assert_eq!(measured(&copy.written_by(&["measure"])), int8, "what was asked for last holds");
    assert_eq!(measured(&copy.written_by(&["measure", "PRECISION=both"])), all);
    check_crate(&copy.run().join("networks/1/dense"), &pipeline.0.path().join("digits"));
}

/// The crate passes its own tests, and classifies as many test images as the reference.
fn check_crate(network: &Path, data: &Path) {
    let folder = network.join("int8/crate-x86_64");
    let cargo = |arguments: &[&str]| {
        let output = Command::new("cargo").args(arguments).current_dir(&folder).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cargo {arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(cargo(&["test", "--release"]).contains("test result: ok"));
    let images = data.join("t10k-images-idx3-ubyte");
    let run = ["run", "--release", "--quiet", "--bin", "classify", "--"];
    let lines = cargo(&[&run[..], &[images.to_str().unwrap()]].concat());
    let class = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        value["class"].as_u64().unwrap() as usize
    };
    let labels = Dataset::load(data, Split::Test).unwrap().labels;
    let correct =
        lines.lines().zip(&labels).filter(|(line, label)| class(line) == **label as usize);
    let test: EvalReport = json::read(&network.join("int8/test.json")).unwrap();
    assert_eq!((lines.lines().count(), correct.count()), (359, test.correct));
}
