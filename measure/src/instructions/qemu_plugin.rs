//! The plugin with which QEMU counts instructions. It is compiled for the installed QEMU.

use crate::interrupt::INTERRUPT;
use anyhow::{Context, Result, ensure};
use common::board::Board;
use process::output::{end_of, output};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Name of the plugin's file.
pub(super) const FILE: &str = "count_instructions.so";

/// Compiles the plugin for a board's QEMU into a folder.
///
/// # Errors
/// Fails if there is no C compiler, or if the board's program is not QEMU.
pub(super) fn build(board: &Board, folder: &Path) -> Result<()> {
    let qemu = board.command.as_deref().unwrap_or_default().first().map_or("", String::as_str);
    let (source, plugin) = (folder.join("count_instructions.c"), folder.join(FILE));
    fs::write(&source, include_str!("count_instructions.c"))
        .context("cannot write the plugin's source")?;
    let mut compiler = Command::new("cc");
    compiler
        .args(["-O2", "-shared", "-fPIC"])
        .arg(format!("-DPLUGIN_VERSION={}", interface_of(qemu)?));
    compiler.arg("-o").arg(&plugin).arg(&source);
    let output = output(compiler, &INTERRUPT)?;
    ensure!(output.status.success(), "the plugin does not compile: {}", end_of(&output.stderr));
    Ok(())
}

/// Returns the version of the plugin interface that a QEMU knows.
fn interface_of(qemu: &str) -> Result<u32> {
    let mut command = Command::new(qemu);
    command.arg("--version");
    let output = output(command, &INTERRUPT)?;
    let said = String::from_utf8_lossy(&output.stdout);
    let major = major_version(&said)
        .with_context(|| format!("it does not tell its version: {}", end_of(said.as_bytes())))?;
    // QEMU 9 and later refuse plugins for version 1.
    Ok(if major < 9 { 1 } else { 2 })
}

/// Finds the major version in `qemu-arm version 7.2.22 (...)`, or `QEMU emulator version 7.2.22
/// (...)`.
fn major_version(said: &str) -> Option<u32> {
    said.split_once("version ")?.1.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found_in_qemus_output() {
        assert_eq!(
            major_version("qemu-arm version 7.2.22 (Debian 1:7.2+dfsg-7)\nCopyright (c) 2003"),
            Some(7)
        );
        assert_eq!(major_version("QEMU emulator version 10.0.2\n"), Some(10));
        assert_eq!(major_version("version next"), None);
        assert_eq!(major_version(""), None);
    }
}
