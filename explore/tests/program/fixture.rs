//! The fixture of the tests: a data set, a profile, and fake `train`, `codegen` and `measure`.

use common::files::json;
use common::search::archive::Archive;
use common::search::evaluation::Evaluation;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A temporary folder with a data set, a profile, boards and the fake programs.
pub(crate) struct Fixture {
    dir: TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Fixture {
        Fixture::with(
            &json!({
                "population": 6, "archive_size": 6, "iterations": 3, "epochs": 2, "subset": 20,
            }),
            &json!({}),
        )
    }

    pub(crate) fn with(search: &Value, space: &Value) -> Fixture {
        let fixture = Fixture { dir: tempfile::tempdir().unwrap() };
        let data = fixture.path("data");
        fs::create_dir_all(&data).unwrap();
        let images = [&[0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 8, 0, 0, 0, 8][..], &[7; 4 * 64]].concat();
        fs::write(data.join("images"), images).unwrap();
        fs::write(data.join("labels"), [0, 0, 8, 1, 0, 0, 0, 4, 0, 1, 0, 1]).unwrap();
        let files = json!([{"path": "images", "sha256": null}, {"path": "labels", "sha256": null}]);
        let dataset = json!({
            "schema": "neuropower/dataset/1", "name": "made-up", "about": "", "format": "idx",
            "channels": 1, "height": 8, "width": 8, "classes": ["a", "b"],
            "normalisation": {"mean": [0.5], "std": [0.5]},
            "validation": {"fraction": 0.5, "seed": 0},
            "train": files, "test": files, "sources": [],
        });
        fs::write(data.join("dataset.json"), dataset.to_string()).unwrap();
        fixture.write_profile(search, space);
        let bin = fixture.path("bin");
        fs::create_dir_all(&bin).unwrap();
        for program in ["train", "codegen", "measure"] {
            let fake =
                Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/fake-{program}.sh"));
            fs::copy(fake, bin.join(program)).unwrap();
        }
        fs::write(bin.join("record.json"), example("measurement-<board>.json")).unwrap();
        let mut board: Value = serde_json::from_str(&example("A board")).unwrap();
        board["name"] = json!("made-up");
        board["platform"] = json!("armv7");
        fixture.write_board("watched", &board);
        board["meter"] = json!("none");
        fixture.write_board("pipelines/boards/made-up", &board);
        let mut emulated = board.clone();
        let more = json!({
            "name": "made-up-qemu", "target": "t", "runner": "qemu",
            "command": ["qemu", "{program}"],
        });
        emulated.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fixture.write_board("emulated", &emulated);
        fixture
    }

    pub(crate) fn write_profile(&self, search: &Value, space: &Value) {
        let profile = json!({"schema": "neuropower/profile/1", "search": search, "space": space});
        fs::write(self.path("profile.json"), profile.to_string()).unwrap();
    }

    /// Writes a board to a file; one in `pipelines/boards` is found by its name.
    pub(crate) fn write_board(&self, name: &str, board: &Value) {
        let path = self.path(&format!("{name}.json"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, board.to_string()).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn command(&self, out: &str) -> Command {
        self.explore("run", out)
    }

    /// Returns a subcommand of `explore` with the options that all subcommands have.
    pub(crate) fn explore(&self, subcommand: &str, out: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_explore"));
        command
            .arg(subcommand)
            .arg("--config")
            .arg(self.path("profile.json"))
            .arg("--dataset")
            .arg(self.path("data"));
        command.arg("--out").arg(self.path(out)).arg("--bin-dir").arg(self.path("bin"));
        command
            .current_dir(self.dir.path())
            .env("FAKE_CALLS", self.path("calls"))
            .env("MEASURE_CALLS", self.path("measured"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a search to its end and returns the JSON that it printed.
    pub(crate) fn search(&self, out: &str) -> Value {
        let output = self.command(out).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Returns how often each individual was trained, in all runs since the last call.
    pub(crate) fn calls(&self) -> BTreeMap<String, usize> {
        self.taken("calls")
    }

    /// Returns how often each crate was measured, in all runs since the last call.
    pub(crate) fn measured(&self) -> BTreeMap<String, usize> {
        self.taken("measured")
    }

    fn taken(&self, file: &str) -> BTreeMap<String, usize> {
        let mut calls = BTreeMap::new();
        for line in fs::read_to_string(self.path(file)).unwrap_or_default().lines() {
            *calls.entry(line.to_string()).or_insert(0) += 1;
        }
        let _ = fs::remove_file(self.path(file));
        calls
    }

    pub(crate) fn evaluations(&self, out: &str) -> Vec<Evaluation> {
        json::read_lines(&self.path(out).join("evaluations.jsonl")).unwrap()
    }

    pub(crate) fn archive(&self, out: &str) -> Archive {
        json::read(&self.path(out).join("archive.json")).unwrap()
    }

    /// Returns the files that must not depend on time, place and interruptions of a search.
    pub(crate) fn result(&self, out: &str) -> BTreeMap<String, Vec<u8>> {
        let files = [
            "search.json",
            "evaluations.jsonl",
            "archive.json",
            "front.svg",
            "progress.svg",
            "activations.svg",
        ];
        let mut names: Vec<String> = files.map(String::from).into();
        names.extend((1..=3).map(|rank| format!("winners/{rank}/genome.json")));
        let read = |name: String| (name.clone(), fs::read(self.path(out).join(name)).unwrap());
        names.into_iter().map(read).collect()
    }

    /// Starts a search in which one training hangs, and waits until `logged` evaluations are in the
    /// log.
    pub(crate) fn start_and_hang(&self, out: &str, id: &str, logged: usize) -> Child {
        let mut child = self
            .command(out)
            .args(["--workers", "3"])
            .env("FAKE_HANG", id)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = || {
            fs::read_to_string(self.path(out).join("evaluations.jsonl"))
                .unwrap_or_default()
                .lines()
                .count()
        };
        while lines() < logged || !self.path(out).join("individuals").join(id).exists() {
            assert!(child.try_wait().unwrap().is_none(), "the search ended before it hung");
            std::thread::sleep(Duration::from_millis(10));
        }
        child
    }
}

/// Returns the first JSON example of docs/formats.md below a heading that contains some words.
pub(crate) fn example(heading: &str) -> String {
    let formats =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/formats.md"))
            .unwrap();
    let of = formats
        .split("\n### ")
        .find(|part| part.lines().next().unwrap().contains(heading))
        .unwrap();
    let (_, json) = of.split_once("```json\n").unwrap();
    json.split_once("```").unwrap().0.to_string()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn error_of(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    text(&output.stderr).lines().last().unwrap().to_string()
}
