//! A folder in which the tests run the program.

use common::files::json;
use common::train_report::TrainReport;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with a genome, a profile and the digits as a data set.
pub(crate) struct Fixture(tempfile::TempDir);

impl Fixture {
    pub(crate) fn new() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let pipelines = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pipelines/datasets");
        std::fs::create_dir(dir.path().join("digits")).unwrap();
        for entry in std::fs::read_dir(pipelines.join("digits")).unwrap() {
            let path = entry.unwrap().path();
            let name =
                path.file_name().unwrap().to_string_lossy().trim_end_matches(".gz").to_string();
            std::fs::copy(&path, dir.path().join("digits").join(name)).unwrap();
        }
        std::fs::copy(pipelines.join("digits.json"), dir.path().join("digits/dataset.json"))
            .unwrap();
        let fixture = Fixture(dir);
        fixture.write("genome.json", &genome("elu", "tanh", 3, "nadam"));
        fixture.write("profile.json", &profile(r#""batch": 48"#));
        fixture
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_train"));
        command.args(args).current_dir(self.0.path());
        command
    }

    pub(crate) fn train(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs `train fit` of the genome with further arguments, which must succeed, and returns the
    /// report.
    pub(crate) fn fit(&self, out: &str, more: &[&str]) -> TrainReport {
        let output = self.train(&fit_arguments(out, more));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        json::parse(&String::from_utf8_lossy(&output.stdout)).unwrap()
    }

    /// Runs `train fit` of the genome with further arguments, which must fail, and returns the
    /// error: the last line on stderr, after any progress.
    pub(crate) fn fit_refused(&self, out: &str, more: &[&str]) -> String {
        let output = self.train(&fit_arguments(out, more));
        let text = String::from_utf8(output.stderr).unwrap();
        let line = text.lines().last().unwrap_or_default();
        assert!(output.status.code() == Some(1) && line.starts_with("error: "), "{text}");
        line.to_string()
    }

    /// Runs the program, which must fail with exit code 1 and one line on stderr, and returns the
    /// line.
    pub(crate) fn refused(&self, args: &[&str]) -> String {
        let output = self.train(args);
        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
        line
    }
}

/// Returns the arguments of `train fit` of the fixture's genome.
pub(crate) fn fit_arguments<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let base = [
        "fit",
        "--genome",
        "genome.json",
        "--dataset",
        "digits",
        "--config",
        "profile.json",
        "--out",
        out,
    ];
    [&base, more].concat()
}

pub(crate) fn genome(left: &str, right: &str, kernel: usize, optimizer: &str) -> String {
    format!(
        r#"{{"schema": "neuropower/genome/1", "left_activation": "{left}",
            "right_activation": "{right}", "condense_layers": 2, "feature_extraction_layers": 7,
            "kernel_size": {kernel}, "optimizer": "{optimizer}"}}"#
    )
}

pub(crate) fn profile(training: &str) -> String {
    format!(
        r#"{{"schema": "neuropower/profile/1", "space": {{"feature_extraction_layers": [7, 10]}},
            "template": {{"growth_rate": 6, "stem_channels": 12, "dropout": 0.1}},
            "training": {{{training}}}}}"#
    )
}
