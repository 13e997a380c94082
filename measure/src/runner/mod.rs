//! Runners: how a generated crate gets to a board and runs there.

pub(crate) mod local;
pub(crate) mod ssh;

use anyhow::{Context, Result, ensure};
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
        manifest.platform != "onnx",
        "{}: this is an ONNX model, which has no `bench` to measure; generate a crate with --platform {}",
        folder.display(),
        board.platform
    );
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
        Runner::Ssh => {
            ensure!(board.target.is_some(), "the board {} is another machine: its `target` cannot be null", board.name);
            local::build(board, folder)
        }
    }
}

/// Where a program is about to run.
#[derive(Debug)]
pub(crate) enum Place {
    /// On this machine.
    Local,
    /// On another machine.
    Ssh(ssh::Copied),
}

impl Place {
    /// Brings the program to its board.
    ///
    /// # Errors
    /// The board's address is missing or it cannot be reached.
    pub(crate) fn new(board: &Board, address: Option<ssh::Address>, program: &Program) -> Result<Place> {
        match board.runner {
            Runner::Local => Ok(Place::Local),
            Runner::Ssh => {
                let address = address.with_context(|| no_address(board))?;
                Ok(Place::Ssh(ssh::Copied::new(address, program)?))
            }
        }
    }

    /// The command that runs `bench` on the board and whose output is that of `bench`.
    pub(crate) fn command(&self, program: &Program, settings: &MeasurementSettings) -> Command {
        match self {
            Place::Local => local::command(program, settings),
            Place::Ssh(copied) => copied.command(settings),
        }
    }
}

/// That an address is there where one is needed, and only there.
///
/// # Errors
/// It is not.
pub(crate) fn check_address(board: &Board, given: bool) -> Result<()> {
    match board.runner {
        Runner::Local => ensure!(!given, "the board {} is this machine: it takes no --board-host", board.name),
        Runner::Ssh => ensure!(given, "{}", no_address(board)),
    }
    Ok(())
}

fn no_address(board: &Board) -> String {
    format!("the board {} is reached over ssh: say where with --board-host user@host", board.name)
}

/// What `bench` is told.
fn bench_arguments(settings: &MeasurementSettings) -> [String; 6] {
    let MeasurementSettings { idle_s: _, warmup_s, windows, window_s } = settings;
    let pairs =
        [("windows", windows.to_string()), ("window-s", window_s.to_string()), ("warmup-s", warmup_s.to_string())];
    let [[a, b], [c, d], [e, f]] = pairs.map(|(name, value)| [format!("--{name}"), value]);
    [a, b, c, d, e, f]
}
