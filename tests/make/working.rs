//! Two programs in one run.

use super::{fails, tools, write};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};
use tests::root;

/// Returns whether make can lock a run here.
pub(super) fn has_flock() -> bool {
    let help = Command::new("flock").arg("--help").output();
    help.is_ok_and(|help| String::from_utf8_lossy(&help.stdout).contains("no-fork"))
}

/// Takes the lock of `make` in a run.
pub(super) fn hold(dir: &Path) -> File {
    let path = dir.join("run").canonicalize().unwrap_or(dir.join("run"));
    let mut cksum =
        Command::new("cksum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    cksum.stdin.take().unwrap().write_all(path.as_os_str().as_bytes()).unwrap();
    let sum = String::from_utf8(cksum.wait_with_output().unwrap().stdout).unwrap();
    fs::create_dir_all(root().join("target/run")).unwrap();
    let name = format!("target/run/run-{}.lock", sum.trim().replace(' ', "-"));
    let file = File::create(root().join(name)).unwrap();
    file.try_lock().unwrap();
    file
}

#[test]
fn a_second_make_in_a_run_is_refused() {
    if !has_flock() {
        return tools::skip("flock with --no-fork", "the lock of a run");
    }
    let dir = tempfile::tempdir().unwrap();
    let lock = hold(dir.path());
    let said = fails(dir.path(), &["report"]);
    assert!(said.contains("another make works in"), "{said}");
    assert!(!dir.path().join("run").exists());
    drop(lock);
    let said = fails(dir.path(), &["report", "BOARD=none"]);
    assert!(said.contains("there is no board"), "{said}");
}

/// A program that is refused, here because another search works in the folder, deletes nothing.
#[test]
fn a_failure_deletes_nothing_of_a_run() {
    let dir = tempfile::tempdir().unwrap();
    let explore = dir.path().join("run/explore");
    let files = ["winners/1/genome.json", "winners/2/genome.json", "archive.json"];
    for file in files {
        write(&explore.join(file), "old");
    }
    let lock = File::create(explore.join(".lock")).unwrap();
    lock.try_lock().unwrap();
    let data = format!("DATA={}", dir.path().join("digits").display());
    let said = fails(dir.path(), &["explore", &data]);
    assert!(said.contains("another run"), "{said}");
    for file in files {
        assert_eq!(fs::read_to_string(explore.join(file)).unwrap(), "old", "{file}");
    }
}
