//! Standard output that is closed, full or asked for the version.

use std::fs::OpenOptions;
use std::process::{Command, Output, Stdio};
use tests::{program, root, succeed};

/// Calls that print, without a run.
const CALLS: [(&str, &[&str]); 8] = [
    ("explore", &["space", "--dataset", "pipelines/datasets/digits.json"]),
    ("codegen", &["platforms"]),
    ("codegen", &["plan", "--network", NETWORK, "--platform", "x86_64"]),
    ("measure", &["boards"]),
    ("train", &["fit", "--help"]),
    ("prune", &["--help"]),
    ("report", &["--version"]),
    ("fetch-data", &["check", "pipelines/datasets/digits"]),
];
const NETWORK: &str = "tests/data/run-before-data-identity/networks/1/dense/network.json";

fn with_stdout(name: &str, args: &[&str], stdout: impl Into<Stdio>) -> Output {
    let mut command = Command::new(program(name));
    command.args(args).current_dir(root()).stdout(stdout).stderr(Stdio::piped());
    command.spawn().unwrap().wait_with_output().unwrap()
}

/// Returns what a program says that cannot end otherwise than with `code`.
fn said(name: &str, args: &[&str], output: &Output, code: i32) -> String {
    let text = String::from_utf8_lossy(&output.stderr).to_string();
    assert_eq!(output.status.code(), Some(code), "{name} {args:?}: {text}");
    text
}

#[test]
fn a_reader_that_wants_no_more_is_no_error() {
    for (name, args) in CALLS {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let text = said(name, args, &with_stdout(name, args, writer), 0);
        let failed = |line: &str| line.starts_with("error") || line.contains("panicked");
        assert!(!text.lines().any(failed), "{name} {args:?}: {text}");
    }
}

#[test]
fn a_full_disk_is_an_error() {
    for (name, args) in CALLS {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let text = said(name, args, &with_stdout(name, args, full), 1);
        let line = text.lines().last().unwrap_or_default();
        assert!(line.starts_with("error: cannot write to standard output: "), "{name}: {text}");
    }
}

#[test]
fn versions_name_the_commit_and_the_kernels_of_training() {
    let names = ["explore", "train", "prune", "codegen", "measure", "report", "fetch-data"];
    for name in names {
        let said = succeed(&root(), name, &["--version"]);
        let start = format!("{name} {} (commit ", env!("CARGO_PKG_VERSION"));
        assert!(said.starts_with(&start) && said.ends_with(")\n"), "{said}");
        let kernels = ["avx512", "avx2", "neon", "scalar"];
        let named = kernels.iter().any(|level| said.ends_with(&format!(", kernels {level})\n")));
        assert_eq!(named, name == "train", "{said}");
    }
}
