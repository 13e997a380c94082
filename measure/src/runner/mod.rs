//! Runners: how a generated crate gets to a board and runs there.

mod build;
mod remote;
mod tool;

pub(crate) use build::build;
pub(crate) use remote::Link;
pub(crate) use tool::on_host;

use crate::files::{Files, Shell};
use crate::session::Shows;
use anyhow::{Result, bail, ensure};
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

/// Where a board is.
#[derive(Debug)]
pub(crate) enum Whereabouts {
    /// It is this machine.
    Here,
    /// It is another one.
    There(Link),
    /// A tool on this machine runs programs for it.
    Tool,
}

impl Whereabouts {
    /// Where a board is, if what is needed to get there is at hand.
    ///
    /// # Errors
    /// An address is missing, or given in vain, or is none; or a tool is not installed.
    pub(crate) fn of(
        board: &Board,
        host: Option<&str>,
        ssh_config: Option<&Path>,
    ) -> Result<Whereabouts> {
        let name = &board.name;
        ensure!(
            ssh_config.is_none() || board.runner == Runner::Ssh,
            "the board {name} takes no --ssh-config"
        );
        let here = || {
            ensure!(
                host.is_none(),
                "the board {name} is this machine or attached to it: it takes no --board-host"
            );
            Ok(())
        };
        match board.runner {
            Runner::Local => here().map(|()| Whereabouts::Here),
            Runner::Ssh => {
                let Some(host) = host else {
                    bail!(
                        "the board {name} is reached over ssh: say where with --board-host user@host"
                    );
                };
                tool::require("ssh")?;
                Link::ssh(host, ssh_config, board.folder.as_deref()).map(Whereabouts::There)
            }
            Runner::Adb => {
                tool::require("adb")?;
                Link::adb(host, board.folder.as_deref()).map(Whereabouts::There)
            }
            Runner::Qemu | Runner::ProbeRs => {
                here()?;
                let words = board.command.as_deref().unwrap_or_default();
                tool::require(words.first().map_or("", String::as_str))?;
                Ok(Whereabouts::Tool)
            }
        }
    }

    /// The files that tell about the board, if it has any.
    ///
    /// # Errors
    /// Its shell cannot be started.
    pub(crate) fn files(&self) -> Result<Option<Files>> {
        Ok(match self {
            Whereabouts::Here => Some(Files::Here),
            Whereabouts::There(link) => Some(Files::There(Shell::start(link.shell("exec sh"))?)),
            Whereabouts::Tool => None,
        })
    }

    /// Brings the program to the board.
    ///
    /// # Errors
    /// The board cannot be reached.
    pub(crate) fn bring(self, program: &Program) -> Result<Place> {
        Ok(match self {
            Whereabouts::Here | Whereabouts::Tool => Place::Here,
            Whereabouts::There(link) => Place::There(remote::Copied::new(link, program)?),
        })
    }
}

/// That the crate in `folder` is one for a board.
///
/// # Errors
/// It is for another platform or too large.
pub(crate) fn check(board: &Board, manifest: &Manifest, folder: &Path) -> Result<()> {
    let (crate_dir, name) = (folder.display(), &board.name);
    ensure!(
        manifest.platform != "onnx",
        "{}: this is an ONNX model, which has no `bench` to measure; generate a crate with --platform {}",
        folder.display(),
        board.platform
    );
    ensure!(
        manifest.platform == board.platform,
        "{crate_dir}: the crate was generated for the platform {}, but the board {name} runs crates for {}",
        manifest.platform,
        board.platform
    );
    for (what, needed, there) in [
        ("of constants", manifest.weights_bytes, board.flash_bytes),
        ("of working memory", manifest.arena_bytes, board.ram_bytes),
    ] {
        let fits = there.is_none_or(|there| needed <= there);
        let there = there.unwrap_or_default();
        ensure!(
            fits,
            "{crate_dir}: {needed} bytes {what} do not fit the {there} that the board {name} has for it"
        );
    }
    Ok(())
}

/// Where a program is about to run.
#[derive(Debug)]
pub(crate) enum Place {
    /// On this machine.
    Here,
    /// On another machine.
    There(remote::Copied),
}

impl Place {
    /// The command that runs `bench` on the board and shows what it prints.
    pub(crate) fn command(
        &self,
        board: &Board,
        program: &Program,
        settings: &MeasurementSettings,
    ) -> (Command, Shows) {
        match self {
            Place::There(copied) => (copied.command(settings), Shows::OutputAfterMark),
            Place::Here => {
                let shows = match board.runner {
                    Runner::ProbeRs => Shows::ProbeOutput,
                    Runner::Local | Runner::Ssh | Runner::Adb | Runner::Qemu => Shows::Output,
                };
                (here(board, program, settings), shows)
            }
        }
    }
}

/// The command that runs `bench` on this machine, by itself or by the board's tool.
pub(crate) fn here(board: &Board, program: &Program, settings: &MeasurementSettings) -> Command {
    let arguments = bench_arguments(settings);
    match &board.command {
        Some(words) => tool::command(words, &program.file, &arguments),
        None => {
            let mut command = Command::new(&program.file);
            command.args(arguments);
            command
        }
    }
}

/// What `bench` is told.
fn bench_arguments(settings: &MeasurementSettings) -> [String; 6] {
    let MeasurementSettings { idle_s: _, warmup_s, windows, window_s } = settings;
    let pairs = [
        ("windows", windows.to_string()),
        ("window-s", window_s.to_string()),
        ("warmup-s", warmup_s.to_string()),
    ];
    let [[a, b], [c, d], [e, f]] = pairs.map(|(name, value)| [format!("--{name}"), value]);
    [a, b, c, d, e, f]
}
