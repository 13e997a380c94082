//! The list of targets, and what the test targets print.

use super::{command, make, refused, write};
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn without_the_program_report_make_lists_its_targets_but_predicts_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let programs = format!("BIN={}", dir.path().display());
    let output = make(dir.path(), &["help", &programs]);
    assert!(output.status.success() && output.stderr.is_empty());
    assert!(String::from_utf8_lossy(&output.stdout).contains("DATASET=digits PROFILE=smoke"));
    let said = refused(dir.path(), &["-n", "report", &programs]);
    assert!(said.contains("run `make build` first"), "{said}");
}

#[test]
fn every_target_of_the_list_has_a_short_line() {
    let dir = tempfile::tempdir().unwrap();
    let output = make(dir.path(), &["help"]);
    let list = String::from_utf8(output.stdout).unwrap();
    let lines = list.lines().filter_map(|line| line.strip_prefix("  make "));
    for line in lines.clone() {
        let (target, help) = line.split_once('\t').unwrap();
        assert!(line.len() <= 100 && !help.is_empty(), "{line}");
        assert!(!target.contains(' ') && !help.ends_with('.'), "{line}");
    }
    let targets: Vec<&str> = lines.map(|line| line.split('\t').next().unwrap()).collect();
    let of_a_run = "pipeline data explore train prune codegen measure report choose clean";
    assert_eq!(targets[..10].join(" "), of_a_run);
    assert!(targets.len() > 20, "{list}");
    let developing = list.lines().position(|line| line == "developing:").unwrap();
    assert!(list.lines().position(|line| line.starts_with("  make build\t")).unwrap() < developing);
    assert!(list.lines().position(|line| line.starts_with("  make test\t")).unwrap() > developing);
}

#[test]
fn tests_end_with_one_line_that_names_the_missing_tools() {
    let dir = tempfile::tempdir().unwrap();
    // Takes the place of cargo.
    let cargo = dir.path().join("cargo");
    write(&cargo, "#!/bin/sh\nprintf \"$MISSING\" >>\"$SKIPPED_TESTS\"\n");
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    let skipped = format!("SKIPPED={}", dir.path().join("skipped").display());
    let last_line = |missing: &str| {
        let mut command = command(dir.path(), &["-o", "build", "test", &skipped]);
        let path = format!("{}:{}", dir.path().display(), std::env::var("PATH").unwrap());
        let output = command.env("PATH", path).env("MISSING", missing).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().lines().last().unwrap().to_string()
    };
    let tools = r"sshd (boards over ssh)\ng++ (CUDA)\nsshd (boards over ssh)\n";
    assert_eq!(last_line(tools), "skipped for want of tools: g++ (CUDA), sshd (boards over ssh)");
    assert!(last_line("").contains(" cargo test "), "the tools of an earlier call are forgotten");
}
