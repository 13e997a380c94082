//! The board is this machine.

use super::{Program, bench_arguments};
use crate::process::end_of;
use anyhow::{Context, Result, ensure};
use common::board::Board;
use common::profile::MeasurementSettings;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Builds with cargo in the crate's own folder, as its user would. Only a program that this very build vouches for is
/// taken, never one that an earlier crate left there.
pub(super) fn build(board: &Board, folder: &Path) -> Result<Program> {
    let target_dir = folder.join("target");
    let mut cargo = tool("CARGO", "cargo", folder);
    cargo.args(["build", "--release", "--bin", "bench", "--color", "never", "--target-dir"]).arg(&target_dir);
    let mut release = target_dir;
    if let Some(target) = &board.target {
        cargo.args(["--target", target]);
        release.push(target);
    }
    let built = output(&mut cargo).context("cannot start cargo; is Rust installed?")?;
    ensure!(built.status.success(), "{}: the crate does not build: {}", folder.display(), end_of(&built.stderr));
    let file = release.join("release/bench");
    ensure!(file.is_file(), "{}: the crate builds, but its program is not there", file.display());
    let version = output(tool("RUSTC", "rustc", folder).arg("--version")).context("cannot start rustc")?;
    ensure!(version.status.success(), "`rustc --version` failed: {}", end_of(&version.stderr));
    Ok(Program { file, rustc: String::from_utf8_lossy(&version.stdout).trim().to_string() })
}

pub(super) fn command(program: &Program, settings: &MeasurementSettings) -> Command {
    let mut command = Command::new(&program.file);
    command.args(bench_arguments(settings));
    command
}

/// A tool of Rust's, which a variable may name, as for cargo's own subcommands. The caller's choice of where other
/// things are built, and for what, is not for this crate.
fn tool(variable: &str, name: &str, folder: &Path) -> Command {
    let program = std::env::var_os(variable).unwrap_or_else(|| OsString::from(name));
    let mut command = Command::new(program);
    command.current_dir(folder).env_remove("CARGO_TARGET_DIR").env_remove("CARGO_BUILD_TARGET");
    command
}

fn output(command: &mut Command) -> std::io::Result<Output> {
    command.stdin(Stdio::null()).output()
}
