//! Runners: how a generated crate gets to a board and runs there.

pub(crate) mod local;

use anyhow::{Result, ensure};
use common::board::{Board, Runner};
use common::manifest::Manifest;
use common::profile::MeasurementSettings;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A crate's `bench` program, ready to run on its board.
#[derive(Debug)]
pub(crate) struct Program {
    /// The program's file on this machine.
    pub(crate) file: PathBuf,
    /// What the compiler says of itself.
    pub(crate) rustc: String,
}

/// Builds the `bench` of the crate in `folder` for a board.
///
/// # Errors
/// The crate is for another platform, or it does not build.
pub(crate) fn build(board: &Board, manifest: &Manifest, folder: &Path) -> Result<Program> {
    ensure!(
        manifest.platform == board.platform,
        "{}: the crate was generated for the platform {}, but the board {} runs crates for {}",
        folder.display(),
        manifest.platform,
        board.name,
        board.platform
    );
    match board.runner {
        Runner::Local => local::build(board, folder),
    }
}

/// The command that runs `bench` on the board and whose output is that of `bench`.
pub(crate) fn command(board: &Board, program: &Program, settings: &MeasurementSettings) -> Command {
    match board.runner {
        Runner::Local => local::command(program, settings),
    }
}
