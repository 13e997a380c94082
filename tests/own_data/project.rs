//! A folder in which `make` works as in the project.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;
use tests::{program, root};

const PROGRAMS: [&str; 8] =
    ["explore", "train", "prune", "codegen", "measure", "report", "fetch-data", "neuropower"];
const FILES: [&str; 5] =
    ["Makefile", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml", ".cargo/config.toml"];

/// Writes down how it was called, as a file in `calls`.
const RECORD: &str = r#"#!/bin/sh
mkdir -p calls
call=calls/$(printf %03d $(ls calls | wc -l))
printf '%s\0' "${0##*/}" "$@" >"$call"
while [ $# -gt 0 ]; do
  if [ "$1" = --out ]; then out=$2; fi
  shift
done
"#;

/// A folder with the project's makefiles and recipes, its own `data`, `runs` and `target`, and no
/// sources.
pub(crate) struct Project(TempDir);

impl Project {
    /// Makes the folder. Its programs are those of the project.
    pub(crate) fn new() -> Project {
        let project = Project(tempfile::tempdir().unwrap());
        for file in FILES {
            copy(&root().join(file), &project.path().join(file));
        }
        copy(&root().join("pipelines"), &project.path().join("pipelines"));
        for stage in ["common", "explore", "train", "prune", "codegen", "measure"] {
            fs::create_dir(project.path().join(stage)).unwrap();
        }
        for name in PROGRAMS {
            let script = format!("#!/bin/sh\nexec '{}' \"$@\"\n", program(name).display());
            project.stand_in(name, &script);
        }
        project
    }

    /// Makes the folder. Its `fetch-data` and `explore` write what they are called with, and files
    /// that satisfy make.
    pub(crate) fn with_recorders() -> Project {
        let project = Project::new();
        let import = "if [ -n \"$out\" ] && [ ! -e \"$out/dataset.json\" ]; then
            mkdir -p \"$out\"
            echo '{}' >\"$out/dataset.json\"
            echo first >\"$out/import.json\"
        fi\n";
        project.stand_in("fetch-data", &format!("{RECORD}{import}"));
        let search = "for rank in 1 2 3 4 5 6 7 8 9; do
            mkdir -p \"$out/winners/$rank\"
            echo '{}' >\"$out/winners/$rank/genome.json\"
        done
        echo '{}' >\"$out/archive.json\"\n";
        project.stand_in("explore", &format!("{RECORD}{search}"));
        project
    }

    /// Puts a script in the place of a program.
    pub(crate) fn stand_in(&self, name: &str, script: &str) {
        let place = self.path().join("target/release").join(name);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, script).unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Returns a command that runs in the folder, as a user would start it.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.current_dir(self.path());
        // This test may itself run below `make test`.
        command.env_remove("MAKEFLAGS").env_remove("MAKELEVEL").env_remove("MFLAGS");
        command
    }

    /// Runs make with some arguments, which need not be UTF-8.
    pub(crate) fn make<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        self.command("make").args(arguments).output().unwrap()
    }

    /// Runs make, which must succeed; returns what it prints on stdout and on stderr.
    pub(crate) fn made<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> (String, String) {
        let output = self.make(arguments);
        let [out, err] = [output.stdout, output.stderr]
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(output.status.success(), "{out}{err}");
        (out, err)
    }

    /// Returns the calls of recorders since the last time, each as program and arguments.
    pub(crate) fn calls(&self) -> Vec<Vec<std::ffi::OsString>> {
        let folder = self.path().join("calls");
        let Ok(entries) = fs::read_dir(&folder) else { return vec![] };
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let calls = files.iter().map(|file| {
            let mut bytes = fs::read(file).unwrap();
            assert_eq!(bytes.pop(), Some(0));
            bytes
                .split(|byte| *byte == 0)
                .map(|word| std::ffi::OsString::from_vec(word.to_vec()))
                .collect()
        });
        let calls = calls.collect();
        fs::remove_dir_all(folder).unwrap();
        calls
    }
}

/// Copies a file, or a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            copy(&path, &to.join(path.file_name().unwrap()));
        }
    } else {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }
}
