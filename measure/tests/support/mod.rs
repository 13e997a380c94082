//! Support for the tests of the `measure` program: a small crate that is really built, whose
//! `bench` follows a script.

// Each test target uses only a part of this.
#![allow(dead_code)]

pub(crate) mod sshd;
#[path = "../../../tests/tools.rs"]
pub(crate) mod tools;

use common::files::hash::sha256_hex;
use common::files::json;
use common::manifest::Manifest;
use common::measurement::Measurement;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use tempfile::TempDir;

/// Target triple of the crate.
pub(crate) const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Follows the file `script` beside its `Cargo.toml`, line by line: after `sh`, the shell runs the
/// rest, else the line is printed, with the time since the line before in the place of `SECONDS`.
/// It prints its path, so that a copy can be distinguished from the original.
const BENCH: &str = r#"
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    assert_eq!(args, ["--windows", "3", "--window-s", "0.5", "--warmup-s", "0.25"]);
    eprintln!("runs as {}", std::env::current_exe().unwrap().display());
    let mut last = std::time::Instant::now();
    for line in std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/script")).unwrap().lines() {
        match line.strip_prefix("sh ") {
            Some(command) => drop(std::process::Command::new("sh").arg("-c").arg(command).status().unwrap()),
            None => {
                println!("{}", line.replace("SECONDS", &format!("{:?}", last.elapsed().as_secs_f64())));
                last = std::time::Instant::now();
            }
        }
    }
}
"#;
/// Line of a script: waits until it is killed.
pub(crate) const WAIT: &str = "sh while kill -0 $PPID; do sleep 0.1; done 2>/dev/null";
/// Line of a script: ends as if it crashed.
pub(crate) const CRASH: &str = "sh kill -9 $PPID";

/// A profile with the settings that `bench` expects as arguments.
pub(crate) const PROFILE: &str = r#"{"schema":"neuropower/profile/1",
    "measurement":{"idle_s":0.01,"warmup_s":0.25,"windows":3,"window_s":0.5}}"#;

/// Returns the first line of a `bench`.
pub(crate) fn ready() -> String {
    format!(
        r#"{{"schema":"neuropower/bench/1","event":"ready","name":"tiny","kernels":"scalar","target":"{TARGET}","threads":1,"batch":1}}"#
    )
}

/// Returns the line that begins a window.
pub(crate) fn start(number: usize) -> String {
    format!(r#"{{"schema":"neuropower/bench/1","event":"start","window":{number}}}"#)
}

/// Returns the line that ends a window of 100 inferences for the first, 200 for the second, and so
/// on, with the time that it really took.
pub(crate) fn end(number: usize, p50_ms: u32) -> String {
    format!(
        r#"{{"schema":"neuropower/bench/1","event":"window","window":{number},"inferences":{number}00,"seconds":SECONDS,"p50_s":{p50_ms}e-3,"p90_s":0.5,"p99_s":0.75}}"#
    )
}

/// Returns a script of three windows with these medians in milliseconds. The line `between` stands
/// between the two lines of each.
pub(crate) fn windows(p50_ms: [u32; 3], between: &str) -> String {
    let mut lines = vec![ready()];
    for (index, p50_ms) in p50_ms.into_iter().enumerate() {
        lines.push(start(index + 1));
        lines.extend((!between.is_empty()).then(|| between.to_string()));
        lines.push(end(index + 1, p50_ms));
    }
    lines.join("\n") + "\n"
}

/// A folder with a crate, a profile, a fake `/sys`, and later the record.
pub(crate) struct Case(TempDir);

impl Case {
    /// A crate whose `bench` measures three windows with these medians, in milliseconds.
    pub(crate) fn new(p50_ms: [u32; 3]) -> Case {
        Case::doing(&windows(p50_ms, ""))
    }

    /// A crate whose `bench` follows this script.
    pub(crate) fn doing(script: &str) -> Case {
        let case = Case(tempfile::tempdir().unwrap());
        let manifest = Manifest {
            name: "tiny".into(),
            platform: common::board::Platform::X86_64,
            precision: common::precision::Precision::F32,
            network_sha256: sha256_hex(b"network"),
            weights_sha256: sha256_hex(b"weights"),
            parameters: 1,
            macs: 1,
            weights_bytes: 4,
            arena_bytes: 4,
            arena_lower_bound_bytes: 4,
            layers: vec![],
            input: None,
            fit: None,
        };
        json::write(&case.path("crate/manifest.json"), &manifest).unwrap();
        case.write(
            "crate/Cargo.toml",
            "[package]\nname = \"tiny\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n",
        );
        case.write("crate/src/bin/bench.rs", BENCH);
        case.script(script);
        case.write("profile.json", PROFILE);
        fs::create_dir(case.path("sys")).unwrap();
        case
    }

    /// Replaces the script; `bench` need not be built again.
    pub(crate) fn script(&self, script: &str) {
        self.write("crate/script", script);
    }

    /// Writes `b.json`, a board with these keys beside name and platform.
    pub(crate) fn board(&self, keys: &str) {
        let name = r#""schema":"neuropower/board/1","name":"b","about":"","platform":"x86_64""#;
        self.write("b.json", &format!("{{{name},{keys}}}"));
    }

    /// A file or folder of this case.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.0.path().join(relative)
    }

    /// Writes a file of this case.
    pub(crate) fn write(&self, relative: &str, text: &str) {
        fs::create_dir_all(self.path(relative).parent().unwrap()).unwrap();
        fs::write(self.path(relative), text).unwrap();
    }

    /// Writes a program of this case, a shell script.
    pub(crate) fn write_program(&self, relative: &str, script: &str) {
        self.write(relative, &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(self.path(relative), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// `measure run` in a folder that has no `pipelines`, with the board `host` unless `more` names
    /// one.
    pub(crate) fn command(&self, more: &[&str]) -> Command {
        let board = if more.contains(&"--board") { &[][..] } else { &["--board", "host"] };
        let out = if more.contains(&"--out") { &[][..] } else { &["--out", "record.json"] };
        let sysfs = self.path("sys");
        let paths = [
            "--crate",
            "crate",
            "--config",
            "profile.json",
            "--sysfs-root",
            sysfs.to_str().unwrap(),
        ];
        let mut command = program();
        command.current_dir(self.0.path()).arg("run").args(paths).args(out).args(board).args(more);
        command
    }

    /// Runs `measure run` to its end.
    pub(crate) fn measure(&self, more: &[&str]) -> Output {
        self.command(more).output().unwrap()
    }

    /// Asserts that `measure run` succeeds, and returns its record.
    pub(crate) fn measures(&self, more: &[&str]) -> Measurement {
        assert_succeeds(&self.measure(more));
        self.record()
    }

    /// Reads the record.
    pub(crate) fn record(&self) -> Measurement {
        json::read(&self.path("record.json")).unwrap()
    }

    /// Asserts that `measure run` fails with one line, which this returns, and writes nothing.
    pub(crate) fn assert_fails(&self, more: &[&str]) -> String {
        let output = self.measure(more);
        assert!(!self.path("record.json").exists());
        error_of(&output)
    }
}

/// Asserts that a program failed with one line, which this returns.
pub(crate) fn error_of(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty());
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    let errors: Vec<&str> = stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{stderr}");
    assert_eq!(stderr.lines().last(), Some(errors[0]), "the error is the last line");
    errors[0].to_string()
}

/// Returns a command that runs `measure`.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_measure"));
    // The caller's target folder must not apply to the crate's build.
    command.env("CARGO_TARGET_DIR", "elsewhere");
    command
}

/// Asserts that a program succeeded.
pub(crate) fn assert_succeeds(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Waits until a condition holds, and fails after a minute.
pub(crate) fn wait_until(what: &str, mut is: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !is() {
        assert!(start.elapsed().as_secs() < 60, "{what}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// Makes a file or folder two hours old.
pub(crate) fn age(path: &Path) {
    let done = Command::new("touch").args(["-d", "2 hours ago"]).arg(path).status();
    assert!(done.unwrap().success());
}

/// Writes a powercap package.
pub(crate) fn package(case: &Case, energy_uj: u64) {
    case.write("sys/class/powercap/intel-rapl:0/name", "package-0\n");
    case.write("sys/class/powercap/intel-rapl:0/energy_uj", &format!("{energy_uj}\n"));
}

/// Returns a shell command that advances a case's powercap package.
pub(crate) fn advance(case: &Case) -> String {
    let file = case.path("sys/class/powercap/intel-rapl:0/energy_uj");
    let file = file.display();
    format!("read v <{file}; echo $((v + 1000000)) >{file}.new; mv {file}.new {file}")
}

/// Returns a path as text for a shell script or a board's file.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Sends a signal to a program that runs.
pub(crate) fn signal(name: &str, program: &Child) {
    let id = program.id().to_string();
    // A shell has a `kill` of its own; the program is not on every machine.
    let kill = format!("kill -{name} {id}");
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

/// Sends SIGTERM to a measurement, and asserts that its error says so and that the process whose
/// number is in a file has ended, too.
pub(crate) fn assert_ends_with(measure: Child, number: &Path) {
    signal("TERM", &measure);
    assert!(
        error_of(&measure.wait_with_output().unwrap()).contains("interrupted; nothing was written")
    );
    let process = fs::read_to_string(number).unwrap();
    assert!(!Path::new("/proc").join(process.trim()).exists(), "process {process} was ended");
}
