//! The build of a crate's `bench` with cargo.

use super::bench_command::{Program, bench_arguments};
use crate::interrupt::INTERRUPT;
use anyhow::{Result, bail, ensure};
use common::board::{Board, Runner};
use common::profile::MeasurementSettings;
use process::output::{end_of, output};
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

/// Variable with the arguments of `bench`, for a board on which a program gets no arguments: they
/// are compiled in.
const ARGUMENTS: &str = "BENCH_ARGUMENTS";

/// Builds `bench` with cargo in the crate's own folder, as its user would. Without `bench` in the
/// crate the build fails, so that the program of an earlier crate in that folder is never taken.
///
/// # Errors
/// Fails if the crate does not build; the error says what is missing, if that is known.
pub(crate) fn build(
    board: &Board,
    folder: &Path,
    settings: &MeasurementSettings,
) -> Result<Program> {
    let target_dir = folder.join("target");
    let mut cargo = tool("CARGO", "cargo", folder);
    cargo
        .args(["build", "--release", "--bin", "bench", "--color", "never", "--target-dir"])
        .arg(&target_dir);
    let mut release = target_dir;
    if let Some(target) = &board.target {
        cargo.args(["--target", target]);
        release.push(target);
    }
    match board.runner {
        // A program on a microcontroller gets no arguments.
        Runner::ProbeRs => drop(cargo.env(ARGUMENTS, bench_arguments(settings).join(" "))),
        Runner::Local | Runner::Ssh | Runner::Adb | Runner::Qemu => {}
    }
    let built = output(cargo, &INTERRUPT)?;
    if !built.status.success() {
        bail!(
            "{}: the crate does not build: {}",
            folder.display(),
            build_fault(board, &built.stderr)
        );
    }
    let file = release.join("release/bench");
    ensure!(file.is_file(), "{}: the crate builds, but its program is not there", file.display());
    let mut rustc = tool("RUSTC", "rustc", folder);
    rustc.arg("--version");
    let version = output(rustc, &INTERRUPT)?;
    ensure!(version.status.success(), "`rustc --version` failed: {}", end_of(&version.stderr));
    Ok(Program { file, rustc: String::from_utf8_lossy(&version.stdout).trim().to_string() })
}

/// Returns what is missing, if cargo's error output tells it, else the end of that output.
fn build_fault(board: &Board, stderr: &[u8]) -> String {
    let Some(target) = &board.target else { return end_of(stderr) };
    let text = String::from_utf8_lossy(stderr);
    let no_target =
        ["may not be installed", "can't find crate for `core`", "can't find crate for `std`"];
    if no_target.iter().any(|words| text.contains(words)) {
        return format!("this Rust has no {target}: install it with `rustup target add {target}`");
    }
    if text.contains("error: linker `") || text.contains("error: linking with `") {
        let variable = format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace('-', "_"));
        return format!(
            "it needs a linker for {target}, which {variable} names: {}",
            end_of(stderr)
        );
    }
    end_of(stderr)
}

/// Returns the command of a Rust tool, which a variable may name, as for cargo's subcommands. The
/// caller's target folder and target do not apply to the crate.
fn tool(variable: &str, name: &str, folder: &Path) -> Command {
    let program = std::env::var_os(variable).unwrap_or_else(|| OsString::from(name));
    let mut command = Command::new(program);
    command.current_dir(folder).env_remove("CARGO_TARGET_DIR").env_remove("CARGO_BUILD_TARGET");
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::board::catalog;

    #[test]
    fn missing_parts_of_the_toolchain_are_named() {
        let host = catalog::find("host", Path::new("nowhere")).unwrap();
        let board = Board { target: Some("armv7-unknown-linux-gnueabihf".into()), ..host.clone() };
        let missing =
            b"error[E0463]: can't find crate for `std`\n = note: the target may not be installed";
        assert!(
            build_fault(&board, missing)
                .contains("`rustup target add armv7-unknown-linux-gnueabihf`")
        );
        let linker = build_fault(&board, b"error: linker `arm-gcc` not found");
        assert!(
            linker.contains("CARGO_TARGET_ARMV7_UNKNOWN_LINUX_GNUEABIHF_LINKER")
                && linker.contains("`arm-gcc`")
        );
        assert_eq!(build_fault(&board, b"error: oh"), "error: oh");
        assert_eq!(build_fault(&host, missing), end_of(missing));
    }
}
