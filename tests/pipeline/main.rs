//! `make pipeline` as a user runs it, on digits with a tiny profile.

mod data_set;
mod diverged;
mod emulated_boards;
mod int8;
mod slurm;
#[path = "../../measure/tests/support/sshd.rs"]
mod sshd;
#[path = "../tools.rs"]
mod tools;
mod whole;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::SystemTime;
use tests::root;

const PROFILE: &str = r#"{
  "schema": "neuropower/profile/1",
  "space": {"feature_extraction_layers": [7, 10], "condense_layers": [1, 2]},
  "template": {"growth_rate": 5, "stem_channels": 10},
  "search": {"population": 4, "archive_size": 4, "iterations": 2, "epochs": 2, "subset": 400},
  "training": {"batch": 32, "epochs": 6},
  "final": {"winners": 2},
  "pruning": {"cap": 0.3, "iterations": 10, "finetune_epochs": 1},
  "quantization": {"max_loss": 1, "precision": "f32"},
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

    /// Returns when each file of the run was last written, without logs and what cargo builds.
    fn times(&self) -> BTreeMap<PathBuf, SystemTime> {
        let mut times = BTreeMap::new();
        let mut folders = vec![self.run()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    if !["target", "log"]
                        .map(Some)
                        .contains(&path.file_name().and_then(|name| name.to_str()))
                    {
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

    /// Runs make; returns the files of the run that it has written.
    fn written_by(&self, arguments: &[&str]) -> Vec<String> {
        let before = self.times();
        self.make(arguments);
        let changed =
            self.times().into_iter().filter(|(path, time)| before.get(path) != Some(time));
        changed.map(|(path, _)| path.display().to_string()).collect()
    }
}
