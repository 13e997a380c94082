//! A run of the pipeline in a folder of its own.

use common::files::atomic;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use tests::root;

/// What a run does beside the usual.
#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    /// Further settings of the search, as JSON.
    search: &'static str,
    /// Further arguments of make; the last one is the goal.
    make: &'static [&'static str],
}

/// What the project can do, in turn.
pub(crate) const VARIANTS: [Variant; 4] = [
    Variant { name: "halving", search: r#"{"halving": [0.5]}"#, make: &["codegen"] },
    Variant {
        name: "surrogate and second seeds",
        search: r#"{"surrogate": "gaussian", "reseed_front": true}"#,
        make: &["codegen"],
    },
    Variant { name: "int8", search: "{}", make: &["PRECISION=both", "codegen"] },
    Variant { name: "board", search: "{}", make: &["BOARD=host", "pipeline"] },
];

/// Files whose contents a measurement, a clock or a lock decides, by the ends of their names.
const UNLIKE: [&str; 4] = [".lock", ".log", "measurement-host.json", "criteria-host.json"];
/// Folders of what is built, measured, or told about a run.
const UNLIKE_FOLDERS: [&str; 4] = ["target", "log", "report", "published"];

/// Returns a file's contents without how long a training took.
fn without_times(name: &str, contents: Vec<u8>) -> Vec<u8> {
    if name != "train.json" {
        return contents;
    }
    let mut report: Value = serde_json::from_slice(&contents).unwrap();
    report.as_object_mut().unwrap().remove("timing").expect("a training takes time");
    report.to_string().into_bytes()
}

/// A run that has ended.
pub(crate) struct Finished {
    /// The files that do not depend on its course.
    pub(crate) files: BTreeMap<PathBuf, Vec<u8>>,
    pub(crate) took: Duration,
}

/// A run.
pub(crate) struct Pipeline {
    dir: tempfile::TempDir,
    variant: &'static Variant,
}

impl Pipeline {
    pub(crate) fn new(variant: &'static Variant) -> Pipeline {
        let dir = tempfile::tempdir().unwrap();
        let profile = fs::read_to_string(root().join("tests/campaign/profile.json")).unwrap();
        let mut profile: Value = serde_json::from_str(&profile).unwrap();
        let settings: Value = serde_json::from_str(variant.search).unwrap();
        let search = profile["search"].as_object_mut().unwrap();
        search.extend(settings.as_object().unwrap().clone());
        fs::write(dir.path().join("profile.json"), profile.to_string()).unwrap();
        Pipeline { dir, variant }
    }

    /// Returns the folder of all that belongs to the run.
    pub(crate) fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// Starts make, as the leader of a group of processes.
    pub(crate) fn start(&self) -> Child {
        let at = |name: &str, file: &str| format!("{name}={}", self.folder().join(file).display());
        let log = File::create(self.folder().join("make.log")).unwrap();
        let mut make = Command::new("make");
        make.current_dir(root())
            .args(
                ["RUN", "PROFILE_FILE", "DATA"]
                    .into_iter()
                    .zip(["run", "profile.json", "digits"])
                    .map(|(name, file)| at(name, file)),
            )
            .args(self.variant.make)
            .env_remove("MAKEFLAGS")
            .env_remove("MAKELEVEL")
            .env_remove("MFLAGS")
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0);
        make.spawn().unwrap()
    }

    /// Runs the pipeline to its end; fails with what make printed.
    pub(crate) fn finish(&self) -> Result<Finished, String> {
        let begun = Instant::now();
        let status = self.start().wait().unwrap();
        let log = || fs::read_to_string(self.folder().join("make.log")).unwrap();
        if !status.success() {
            return Err(format!("make failed: {}", log()));
        }
        Ok(Finished { took: begun.elapsed(), files: self.files() })
    }

    /// Returns the files of the run, and of the data set, that do not depend on its course.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.folder().join("run"), self.folder().join("digits")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                if path.is_dir() && !UNLIKE_FOLDERS.contains(&&*name) {
                    folders.push(path);
                } else if path.is_file() && !UNLIKE.iter().any(|unlike| name.ends_with(unlike)) {
                    let relative = path.strip_prefix(self.folder()).unwrap().to_path_buf();
                    files.insert(relative, without_times(&name, fs::read(&path).unwrap()));
                }
            }
        }
        files
    }

    /// Returns whether a file is being written: one that is to be renamed.
    pub(crate) fn has_temporary_file(&self) -> bool {
        let mut folders = vec![self.folder().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                if atomic::is_partial(&entry.file_name()) {
                    return true;
                }
                folders.extend(entry.file_type().is_ok_and(|t| t.is_dir()).then(|| entry.path()));
            }
        }
        false
    }
}
