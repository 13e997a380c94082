//! The program as others call it, on the digits that ship with the project.

use common::json;
use common::train_report::{EvalReport, TrainReport};
use common::weights::Weights;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with a genome, a profile and the digits as a data set.
struct Fixture(tempfile::TempDir);

impl Fixture {
    fn new() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let pipelines = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pipelines/datasets");
        std::fs::create_dir(dir.path().join("digits")).unwrap();
        for entry in std::fs::read_dir(pipelines.join("digits")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().trim_end_matches(".gz").to_string();
            std::fs::copy(&path, dir.path().join("digits").join(name)).unwrap();
        }
        std::fs::copy(pipelines.join("digits.json"), dir.path().join("digits/dataset.json")).unwrap();
        let fixture = Fixture(dir);
        fixture.write("genome.json", &genome("elu", "tanh", 3, "nadam"));
        fixture.write("profile.json", &profile(r#""batch": 48"#));
        fixture
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn train(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_train")).args(args).current_dir(self.0.path()).output().unwrap()
    }

    /// `train fit` of the genome with further arguments; must succeed.
    fn fit(&self, out: &str, more: &[&str]) -> TrainReport {
        let base = ["fit", "--genome", "genome.json", "--dataset", "digits", "--config", "profile.json", "--out", out];
        let output = self.train(&[&base, more].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        json::parse(&String::from_utf8_lossy(&output.stdout)).unwrap()
    }

    /// Runs and expects exit 1 with one line on stderr, which is returned.
    fn refused(&self, args: &[&str]) -> String {
        let output = self.train(args);
        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
        line
    }
}

fn genome(left: &str, right: &str, kernel: usize, optimizer: &str) -> String {
    format!(
        r#"{{"schema": "neuropower/genome/1", "left_activation": "{left}", "right_activation": "{right}", "condense_layers": 2,
            "feature_extraction_layers": 7, "kernel_size": {kernel}, "optimizer": "{optimizer}"}}"#
    )
}

fn profile(training: &str) -> String {
    format!(
        r#"{{"schema": "neuropower/profile/1", "space": {{"feature_extraction_layers": [7, 10]}},
            "template": {{"growth_rate": 6, "stem_channels": 12, "dropout": 0.1}}, "training": {{{training}}}}}"#
    )
}

#[test]
fn same_seed_same_bytes_on_any_number_of_threads() {
    let fixture = Fixture::new();
    let one = fixture.fit("one", &["--epochs", "2", "--threads", "1", "--seed", "7"]);
    let two = fixture.fit("two", &["--epochs", "2", "--threads", "2", "--seed", "7"]);
    let other = fixture.fit("other", &["--epochs", "2", "--seed", "8"]);
    assert_eq!((one.timing.threads, two.timing.threads), (1, 2));
    assert_eq!(one.weights_sha256, two.weights_sha256);
    assert_ne!(one.weights_sha256, other.weights_sha256);
    let bytes = |name: &str| std::fs::read(fixture.path(name).join("weights.safetensors")).unwrap();
    assert_eq!(bytes("one"), bytes("two"));
    assert_eq!(one.curve, two.curve);
}

#[test]
fn training_learns_and_evaluation_agrees_with_it() {
    let fixture = Fixture::new();
    let report = fixture.fit("out", &["--epochs", "12"]);
    let validation = report.accuracy.validation.unwrap();
    assert!(validation > 0.8, "validation accuracy {validation}");
    assert!(report.curve[11].loss < report.curve[0].loss);
    let eval = |split: &str| -> EvalReport {
        let args =
            ["eval", "--network", "out/network.json", "--weights", "out/weights.safetensors", "--dataset", "digits"];
        let output =
            fixture.train(&[&args[..], &["--split", split, "--dump-logits", "logits", "--out", "eval.json"]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report = json::parse(&String::from_utf8_lossy(&output.stdout)).unwrap();
        assert_eq!(json::read::<EvalReport>(&fixture.path("eval.json")).unwrap(), report);
        report
    };
    assert_eq!(eval("val").accuracy, validation);
    let test = eval("test");
    assert_eq!((test.images, test.accuracy), (359, test.correct as f64 / 359.0));
    let logits = Weights::from_bytes(&std::fs::read(fixture.path("logits")).unwrap()).unwrap();
    assert_eq!(logits.get("logits").shape, [359, 10]);
    let rows = logits.get("logits").data.chunks(10).zip(&logits.get("labels").data);
    let correct = rows.filter(|(row, label)| common::reference::class_of(row) as f32 == **label).count();
    assert_eq!(correct, test.correct);
}

/// A folder where the weights should be written lets a training fail at its very end, so that its last checkpoint stays:
/// the state that a kill at that moment would leave, without depending on when the kill comes.
#[test]
fn an_interrupted_training_goes_on_to_the_same_bytes() {
    let fixture = Fixture::new();
    let whole = fixture.fit("whole", &["--epochs", "4"]);
    let fit = ["fit", "--genome", "genome.json", "--dataset", "digits", "--config", "profile.json", "--out", "cut"];
    let fit = [&fit[..], &["--epochs", "4"]].concat();
    std::fs::create_dir_all(fixture.path("cut/weights.safetensors")).unwrap();
    assert!(fixture.refused(&fit).contains("cut/weights.safetensors: cannot write the file"));
    std::fs::remove_dir(fixture.path("cut/weights.safetensors")).unwrap();
    assert!(!fixture.path("cut/train.json").exists());

    let other = fixture.refused(&[&fit[..], &["--resume", "--seed", "9"]].concat());
    assert!(
        other.contains("cut/checkpoint") && other.contains("another network, data set, seed or settings"),
        "{other}"
    );
    let bytes = std::fs::read(fixture.path("cut/checkpoint")).unwrap();
    std::fs::write(fixture.path("cut/checkpoint"), &bytes[..bytes.len() - 9]).unwrap();
    assert!(fixture.refused(&[&fit[..], &["--resume"]].concat()).contains("cannot resume"));
    std::fs::write(fixture.path("cut/checkpoint"), &bytes).unwrap();

    let resumed = fixture.fit("cut", &["--epochs", "4", "--resume"]);
    assert_eq!((resumed.curve, resumed.weights_sha256), (whole.curve, whole.weights_sha256));
    assert!(!fixture.path("cut/checkpoint").exists());
    let header = String::from_utf8_lossy(&bytes).lines().next().unwrap().to_string();
    assert_eq!(header.matches("\"epoch\":").count(), 3, "it went on from the third epoch: {header}");
}

#[test]
fn fine_tuning_starts_from_the_given_weights() {
    let fixture = Fixture::new();
    let first = fixture.fit("first", &["--epochs", "6"]);
    fixture.write("profile.json", &profile(r#""batch": 48, "learning_rate": {"nadam": 1e-9}"#));
    let second = fixture.fit("second", &["--epochs", "1", "--init", "first/weights.safetensors"]);
    let change = (second.accuracy.validation.unwrap() - first.accuracy.validation.unwrap()).abs();
    assert!(change < 0.02, "a learning rate of almost 0 changed the accuracy by {change}");
}

#[test]
fn no_validation_trains_on_everything_and_subset_on_less() {
    let fixture = Fixture::new();
    let all = fixture.fit("all", &["--epochs", "1", "--no-validation"]);
    assert_eq!((all.images, all.accuracy.validation), (1438, None));
    let part = fixture.fit("part", &["--epochs", "1", "--subset", "100"]);
    assert_eq!(part.images, 100);
}

#[test]
fn divergence_is_reported_and_is_not_a_failure() {
    let fixture = Fixture::new();
    fixture.write("genome.json", &genome("linear", "linear", 3, "sgd"));
    fixture.write("profile.json", &profile(r#""learning_rate": {"sgd": 1e38}"#));
    let report = fixture.fit("out", &["--epochs", "3"]);
    assert!(report.diverged);
    assert_eq!(report.accuracy.validation, Some(0.1));
}

#[test]
fn bad_input_is_one_line_and_leaves_nothing_behind() {
    let fixture = Fixture::new();
    fixture.fit("good", &["--epochs", "1"]);
    let network = ["--network", "good/network.json", "--dataset", "digits", "--out", "out"];
    let fit = |more: &[&str]| fixture.refused(&[&["fit"], &network[..], more].concat());

    let bytes = std::fs::read(fixture.path("good/weights.safetensors")).unwrap();
    std::fs::write(fixture.path("cut"), &bytes[..bytes.len() - 5]).unwrap();
    assert!(fit(&["--init", "cut"]).contains("cut: not a valid safetensors file"));
    fixture.write("genome.json", &genome("relu", "relu", 7, "sgd"));
    let genome_args =
        ["fit", "--genome", "genome.json", "--dataset", "digits", "--out", "out", "--config", "profile.json"];
    assert!(fixture.refused(&genome_args).contains("kernel_size 7 is outside the space; valid values: 3, 5"));
    fixture.write("genome.json", &genome("gelu", "relu", 3, "sgd"));
    assert!(fixture.refused(&genome_args).contains("expected one of `relu`"));
    fixture.write("wide.json", &profile(r#""learning_rate": {"sgd": -1}"#));
    assert!(fit(&["--config", "wide.json"]).contains("learning_rate.sgd -1"));
    assert!(!fixture.path("out").exists());

    fixture.write("file", "");
    let unwritable =
        ["fit", "--network", "good/network.json", "--dataset", "digits", "--out", "file/out", "--epochs", "1"];
    assert!(fixture.refused(&unwritable).contains("file/out"));
}

#[test]
fn wrong_usage_is_exit_2() {
    let fixture = Fixture::new();
    for args in [&["fit"][..], &["fit", "--epochs", "0"], &["eval", "--split", "train"], &["nonsense"]] {
        assert_eq!(fixture.train(args).status.code(), Some(2));
    }
}
