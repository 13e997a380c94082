//! A folder for runs of the `prune` binary, with fakes of the other programs.
#![allow(dead_code, reason = "each test file uses its own part of this")]

use crate::support::Sizes;
use common::dataset::{DataFile, Dataset, Format, Normalisation, Validation};
use common::files::json;
use common::network::template::Template;
use common::prune_report::PruneReport;
use image::{Rgb, RgbImage};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// The folder of the fake programs.
pub(crate) const BIN_DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bin");

/// A folder with a network, its weights and the description of a data set that fits.
pub(crate) struct Workdir(pub(crate) TempDir);

impl Workdir {
    pub(crate) fn new() -> Workdir {
        Self::with(&Template { growth_rate: 6, stem_channels: 4, ..Template::default() })
    }

    pub(crate) fn with(template: &Template) -> Workdir {
        let dir = Workdir(tempfile::tempdir().unwrap());
        let model = Sizes { condense_layers: 2, fels: 2, kernel: 3, template: template.clone() }
            .model(8, 1);
        json::write(&dir.at("network.json"), &model.network).unwrap();
        model.weights.write(&dir.at("weights.safetensors")).unwrap();
        let dataset = dataset(3);
        json::write(&dir.at("data/dataset.json"), &dataset).unwrap();
        for class in &dataset.classes {
            let folder = dir.at("data/train").join(class);
            fs::create_dir_all(&folder).unwrap();
            for image in 0..2 {
                let colour = Rgb([10 * image, class.as_bytes()[0], 0]);
                RgbImage::from_pixel(8, 8, colour)
                    .save(folder.join(format!("{image}.png")))
                    .unwrap();
            }
        }
        // The first reading decodes the images and says so.
        Dataset::load_training_set(&dir.at("data")).unwrap();
        dir
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// Returns `prune run` on the folder's files with the fake programs and more options.
    pub(crate) fn prune(&self, out: &str, options: &[&str]) -> Command {
        self.prune_with(BIN_DIR, out, options)
    }

    pub(crate) fn prune_with(&self, bin_dir: &str, out: &str, options: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_prune"));
        command.current_dir(self.0.path()).env("FAKE_TRAIN_CALLS", self.at("calls"));
        command.env("FAKE_MEASURE_CALLS", self.at("measured")).args(["run", "--out", out]);
        command.args([
            "--network",
            "network.json",
            "--weights",
            "weights.safetensors",
            "--dataset",
            "data",
        ]);
        command.args(["--bin-dir", bin_dir]).args(options);
        command
    }

    pub(crate) fn report(&self, out: &str) -> PruneReport {
        json::read(&self.at(out).join("prune.json")).unwrap()
    }

    /// Returns the trainings since the last call.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.taken("calls")
    }

    /// Returns the measurements since the last call.
    pub(crate) fn measured(&self) -> Vec<String> {
        self.taken("measured")
    }

    fn taken(&self, file: &str) -> Vec<String> {
        let text = fs::read_to_string(self.at(file)).unwrap_or_default();
        let _ = fs::remove_file(self.at(file));
        text.lines().map(str::to_string).collect()
    }
}

pub(crate) fn dataset(classes: usize) -> Dataset {
    let file = |path: &str| DataFile { path: path.to_string(), sha256: None };
    Dataset {
        name: "tiny".to_string(),
        about: String::new(),
        format: Format::ImageFolder,
        channels: 3,
        height: 8,
        width: 8,
        resize: Default::default(),
        classes: (0..classes).map(|class| class.to_string()).collect(),
        normalisation: Normalisation { mean: vec![0.5; 3], std: vec![0.25; 3] },
        validation: Some(Validation { fraction: 0.1, seed: 1, by_class: true }),
        train: vec![file("train")],
        val: vec![],
        test: vec![file("test")],
        sources: vec![],
    }
}

pub(crate) fn succeed(mut command: Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Runs a command that fails with exit code 1, nothing on stdout, and one line of error after so
/// many lines of progress. Returns that line without `error: `.
pub(crate) fn fail(mut command: Command, lines_before: usize) -> String {
    let output = command.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{stderr}");
    assert_eq!(stderr.lines().count(), lines_before + 1, "{stderr}");
    let last = stderr.lines().last().unwrap();
    last.strip_prefix("error: ").unwrap().to_string()
}

/// The three files of a result.
pub(crate) fn result_bytes(out: &Path) -> [Vec<u8>; 3] {
    ["network.json", "weights.safetensors", "prune.json"]
        .map(|name| fs::read(out.join(name)).unwrap())
}
