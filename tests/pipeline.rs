//! `make pipeline` as a user runs it, on digits with a tiny profile.

#[path = "../measure/tests/support/sshd.rs"]
mod sshd;
mod tools;

use common::dataset::{Dataset, Split};
use common::files::json;
use common::manifest::Manifest;
use common::measurement::Measurement;
use common::network::reference::class_of;
use common::network::weights::Weights;
use common::prune_report::PruneReport;
use common::search::archive::Archive;
use common::search::config::SearchConfig;
use common::train_report::{EvalReport, TrainReport};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;
use tests::{root, succeed};

const PROFILE: &str = r#"{
  "schema": "neuropower/profile/1",
  "space": {"feature_extraction_layers": [7, 10], "condense_layers": [1, 2]},
  "template": {"growth_rate": 5, "stem_channels": 10},
  "search": {"population": 4, "archive_size": 4, "iterations": 2, "epochs": 2, "subset": 400},
  "training": {"batch": 32, "epochs": 6},
  "final": {"winners": 2},
  "pruning": {"cap": 0.3, "iterations": 10, "finetune_epochs": 1},
  "measurement": {"idle_s": 0, "warmup_s": 0.05, "windows": 2, "window_s": 0.05}
}
"#;

/// A run in a folder of its own.
struct Pipeline(tempfile::TempDir);

impl Pipeline {
    fn new() -> Pipeline {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("profile.json"), PROFILE).unwrap();
        Pipeline(dir)
    }

    fn run(&self) -> PathBuf {
        self.0.path().join("run")
    }

    /// Runs make, which must succeed; returns what it printed.
    fn make(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let (out, err) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "make {arguments:?}: {out}{err}");
        out.to_string()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let at = |name: &str, file: &str| format!("{name}={}", self.0.path().join(file).display());
        let mut command = Command::new("make");
        command.current_dir(root()).args(arguments);
        command.args([at("RUN", "run"), at("PROFILE_FILE", "profile.json"), at("DATA", "digits")]);
        // This test may itself run below `make test`.
        command.env_remove("MAKEFLAGS").env_remove("MAKELEVEL").env_remove("MFLAGS");
        command
    }

    /// When each file of the run was last written, leaving out what cargo builds.
    fn times(&self) -> BTreeMap<PathBuf, SystemTime> {
        let mut times = BTreeMap::new();
        let mut folders = vec![self.run()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    if path.file_name().unwrap() != "target" {
                        folders.push(path);
                    }
                } else if path.file_name().unwrap() != ".lock" {
                    let time = fs::metadata(&path).unwrap().modified().unwrap();
                    times.insert(path.strip_prefix(self.run()).unwrap().to_path_buf(), time);
                }
            }
        }
        times
    }

    /// The files that a `make` call wrote anew.
    fn written_by(&self, arguments: &[&str]) -> Vec<String> {
        let before = self.times();
        self.make(arguments);
        let changed =
            self.times().into_iter().filter(|(path, time)| before.get(path) != Some(time));
        changed.map(|(path, _)| path.display().to_string()).collect()
    }
}

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
    check_ways_of_pruning(&pipeline);
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

/// All methods at the same size, with the same images, beside each other in a table, figures and
/// the page.
fn check_ways_of_pruning(pipeline: &Pipeline) {
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

/// The crate proves itself, and classifies the test images as `train eval` does.
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

/// Only what is out of date is redone.
fn check_out_of_date(pipeline: &Pipeline) {
    assert_eq!(pipeline.written_by(&["pipeline"]), [""; 0]);
    assert_eq!(pipeline.written_by(&["-n", "pipeline"]), [""; 0]);

    let report = ["report/front.svg", "report/index.html", "report/pruning.svg"];
    fn and_report<'a>(file: &'a str, report: &[&'a str]) -> Vec<&'a str> {
        [&[file], report].concat()
    }
    fs::remove_file(pipeline.run().join("networks/2/pruned/test.json")).unwrap();
    assert_eq!(
        pipeline.written_by(&["pipeline"]),
        and_report("networks/2/pruned/test.json", &report)
    );
    fs::remove_file(pipeline.run().join("networks/1/dense/measurement-host.json")).unwrap();
    assert_eq!(
        pipeline.written_by(&["pipeline"]),
        and_report("networks/1/dense/measurement-host.json", &report)
    );

    let measured = pipeline.written_by(&["measure", "BOARD=host"]);
    let (measurements, others): (Vec<_>, Vec<_>) =
        measured.iter().partition(|path| path.contains("measurement-host"));
    assert_eq!(measurements.len(), 4);
    assert_eq!(others, report);

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
    assert_eq!(pipeline.written_by(&["measure"]).len(), 4 + report.len());
}

/// A board behind ssh: crates are generated where there are none, built, copied, run; the report
/// gains columns. Nothing is searched or trained.
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

/// Trains a winner of a finished search at a rate at which it diverges, as `make train` would with
/// such a profile.
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

/// The other winners go on, a diverged one is said to be so, and there is nothing left to do the
/// second time.
#[test]
fn a_winner_that_diverges_is_left_behind() {
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

    // With nobody left there is a page, and a failure.
    fs::remove_dir_all(pipeline.run().join("networks/2")).unwrap();
    diverge(&pipeline, 2);
    for goal in ["pipeline", "prune", "measure"] {
        let failed = pipeline.command(&[goal]).output().unwrap();
        let said = String::from_utf8_lossy(&failed.stderr).to_string();
        assert!(!failed.status.success(), "{goal}");
        assert!(said.lines().next().unwrap().starts_with("all trainings in "), "{goal}: {said}");
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

/// Who measures a run on another board need not say again what it was searched with.
#[test]
fn a_run_knows_its_data_set() {
    let pipeline = Pipeline::new();
    assert!(pipeline.make(&["help"]).contains("DATASET=digits "));
    let search = example_of_a_search().replace("\"dataset\": \"digits\"", "\"dataset\": \"mine\"");
    fs::create_dir_all(pipeline.run().join("explore")).unwrap();
    fs::write(pipeline.run().join("explore/search.json"), search).unwrap();
    assert!(pipeline.make(&["help"]).contains("DATASET=mine "));
    assert!(pipeline.make(&["help", "DATASET=mnist"]).contains("DATASET=mnist "));
}

/// A `search.json` as `explore` writes it.
fn example_of_a_search() -> String {
    let formats = fs::read_to_string(root().join("docs/formats.md")).unwrap();
    let example =
        formats.split("```json\n").find(|text| text.contains("neuropower/search/1")).unwrap();
    let search: SearchConfig = json::parse(example.split("```").next().unwrap()).unwrap();
    json::to_text(&search).unwrap()
}

/// Every emulated board measures a run's networks, and is marked wherever its times are shown.
#[test]
#[ignore = "needs compilers and emulators for ARM: `make test-cross` runs it"]
fn a_run_on_emulated_boards() {
    let pipeline = Pipeline::new();
    pipeline.make(&["pipeline"]);
    let boards = [
        ("qemu-aarch64", "neon"),
        ("qemu-cortex-a15", "neon"),
        ("qemu-mps2-an386", "vfp"),
        ("qemu-mps3-an547", "vfp"),
    ];
    for (board, kernels) in boards {
        let said = for_boards(&mut pipeline.command(&[
            "measure",
            &format!("BOARD={board}"),
            "BASELINE=1/dense",
        ]));
        for words in [&format!("latency p50, {board} (emulated)"), &format!("{board} is emulated")]
        {
            assert!(said.contains(words), "{words:?} is not in {said}");
        }
        let record = pipeline.run().join(format!("networks/1/pruned/measurement-{board}.json"));
        let record: Measurement = json::read(&record).unwrap();
        assert!(
            record.emulated && record.energy.gross_j.is_none() && record.ran.kernels == kernels,
            "{record:?}"
        );
        assert_eq!(record.instructions.value.unwrap().counter, "qemu");
    }
    check_192_kb(&pipeline);
}

/// Runs a command with the compiler for the crates' platforms, which must succeed; returns what it
/// printed.
fn for_boards(command: &mut Command) -> String {
    // The project is built by now.
    let output = command
        .env("RUSTC", std::env::var_os("CROSS_RUSTC").expect("CROSS_RUSTC"))
        .output()
        .unwrap();
    let (said, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {said}{errors}");
    said.to_string()
}

/// What was searched runs in the RAM of a common Cortex-M4, and classifies there as the reference
/// does.
fn check_192_kb(pipeline: &Pipeline) {
    let file = pipeline.0.path().join("small.json");
    let board = fs::read_to_string(root().join("pipelines/boards/qemu-mps2-an386.json")).unwrap();
    let small = board
        .replace("\"qemu-mps2-an386\"", "\"small\"")
        .replace("\"ram_bytes\": 4194304", "\"ram_bytes\": 196608");
    fs::write(&file, small).unwrap();
    let network = pipeline.run().join("networks/1/pruned");
    let (board, digits) = (file.to_str().unwrap(), pipeline.0.path().join("digits"));
    let arguments = [
        "generate",
        "--network",
        "network.json",
        "--weights",
        "weights.safetensors",
        "--out",
        "crate-small",
    ];
    let more = ["--platform", "cortex-m", "--board", board, "--samples", digits.to_str().unwrap()];
    succeed(&network, "codegen", &[&arguments[..], &more].concat());
    let folder = network.join("crate-small");
    let memory = fs::read_to_string(folder.join("memory.x")).unwrap();
    assert!(memory.contains("RAM : ORIGIN = 0x20000000, LENGTH = 0x00030000"), "{memory}");
    let said = for_boards(Command::new("cargo").args(["test", "--release"]).current_dir(&folder));
    assert!(
        said.contains("test outputs_are_those_recorded") && said.contains("20 images ... ok"),
        "{said}"
    );
}
