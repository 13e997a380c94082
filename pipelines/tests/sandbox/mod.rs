//! A folder for tests of `fetch-data`: a recipe, a mirror, and stand-ins for programs, which
//! precede the real ones in PATH.
#![allow(dead_code, reason = "each test file uses some of it")]

use common::files::hash::sha256_hex;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

pub(crate) const NAMES: [&str; 4] = ["train-images", "train-labels", "test-images", "test-labels"];
pub(crate) const FAILING: &str = "echo 'could not resolve host' >&2; exit 6";
/// A stand-in for curl, whose last argument is the address; the output file follows `--output`.
pub(crate) const CURL_FROM_MIRROR: &str = r#"while [ $# -gt 1 ]; do if [ "$1" = --output ]; then to=$2; fi; shift; done
cp "$MIRROR/${1##*/}" "$to" || exit 22"#;

/// A folder with a recipe, a mirror and stand-ins for programs.
pub(crate) struct Sandbox {
    pub(crate) dir: TempDir,
}

impl Sandbox {
    /// Makes a mirror with four plain files, and stand-ins that fail.
    pub(crate) fn new() -> Sandbox {
        let sandbox = Sandbox { dir: tempfile::tempdir().unwrap() };
        for (index, name) in NAMES.iter().enumerate() {
            sandbox.write(&format!("mirror/{name}"), &content(index));
        }
        for program in ["curl", "npm", "apt-get", "dpkg"] {
            sandbox.stand_in(program, FAILING);
        }
        sandbox
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Replaces a program by a shell script, and records its calls.
    pub(crate) fn stand_in(&self, name: &str, script: &str) {
        let path = self.path(&format!("bin/{name}"));
        let log = self.path("called");
        self.write(
            &format!("bin/{name}"),
            format!("#!/bin/sh\necho {name} >> {}\n{script}\n", log.display()).as_bytes(),
        );
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Returns the names of the programs that were called, in order.
    pub(crate) fn called(&self) -> String {
        fs::read_to_string(self.path("called"))
            .unwrap_or_default()
            .replace('\n', " ")
            .trim()
            .to_string()
    }

    /// Writes a recipe of the mirror's files, with their hashes and these sources.
    pub(crate) fn recipe(&self, sources: &str) {
        let file = |i: usize| {
            format!(r#"{{"path": "{}", "sha256": "{}"}}"#, NAMES[i], sha256_hex(&content(i)))
        };
        self.recipe_of(
            "idx",
            &format!("{}, {}", file(0), file(1)),
            &format!("{}, {}", file(2), file(3)),
            sources,
        );
    }

    pub(crate) fn recipe_of(&self, format: &str, train: &str, test: &str, sources: &str) {
        let text = format!(
            r#"{{"schema": "neuropower/dataset/1", "name": "tiny", "about": "", "format": "{format}",
            "channels": 1, "height": 2, "width": 2, "classes": ["a", "b"],
            "normalisation": {{"mean": [0.5], "std": [0.5]}}, "validation": {{"fraction": 0.5, "seed": 0}},
            "train": [{train}], "test": [{test}], "sources": [{sources}]}}"#
        );
        self.write("recipe.json", text.as_bytes());
    }

    /// Gives `fetch-data`, or a program that runs it, the recipe and the stand-ins.
    pub(crate) fn configure<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        command
            .args(["--recipe", "recipe.json", "--out", "out"])
            .current_dir(self.dir.path())
            .env("PATH", path)
            .env("MIRROR", self.path("mirror"))
    }

    pub(crate) fn fetch(&self) -> Output {
        self.configure(&mut Command::new(env!("CARGO_BIN_EXE_fetch-data"))).output().unwrap()
    }

    /// Runs `fetch-data`, which must place the mirror's files; returns what it prints on stderr.
    pub(crate) fn fetch_completes(&self) -> String {
        let said = self.fetch_succeeds();
        self.assert_complete();
        said
    }

    /// Runs `fetch-data`, which must succeed; returns what it prints on stderr.
    pub(crate) fn fetch_succeeds(&self) -> String {
        let output = self.fetch();
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(String::from_utf8(output.stdout.clone()).unwrap(), "out/dataset.json\n");
        stderr(&output)
    }

    /// Runs `fetch-data`, which must fail with exit code 1; returns the lines on stderr.
    pub(crate) fn fetch_fails(&self) -> Vec<String> {
        let output = self.fetch();
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(output.stdout.is_empty());
        let lines: Vec<String> = stderr(&output).lines().map(String::from).collect();
        assert_eq!(lines.iter().filter(|line| line.starts_with("error: ")).count(), 1, "{lines:?}");
        assert!(lines.last().unwrap().starts_with("error: "), "{lines:?}");
        lines
    }

    pub(crate) fn assert_complete(&self) {
        for (index, name) in NAMES.iter().enumerate() {
            assert_eq!(fs::read(self.path("out").join(name)).unwrap(), content(index), "{name}");
        }
        assert_eq!(
            fs::read(self.path("out/dataset.json")).unwrap(),
            fs::read(self.path("recipe.json")).unwrap()
        );
    }

    /// Returns the names in the data set's folder, sorted.
    pub(crate) fn placed(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("out")).unwrap();
        let mut names: Vec<String> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

pub(crate) fn content(index: usize) -> Vec<u8> {
    vec![index as u8 + 1; 1000 + index]
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) const FOLDER: &str = r#"{"kind": "folder", "path": "mirror"}"#;
pub(crate) const HTTPS: &str =
    r#"{"kind": "https", "base": "https://mirror.invalid/x/", "suffix": ""}"#;
pub(crate) const NPM: &str =
    r#"{"kind": "npm", "package": "tiny", "version": "1.0.0", "folder": "data"}"#;
pub(crate) const DEBIAN: &str =
    r#"{"kind": "debian", "package": "tiny", "folder": "usr/share/tiny"}"#;
