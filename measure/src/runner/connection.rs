//! The connection to a board.

use super::bench_command::Program;
use super::deployment::Deployment;
use super::remote::{Link, RemoteCopy};
use super::tool;
use crate::board_files::BoardFiles;
use crate::shell::Shell;
use anyhow::{Result, bail, ensure};
use common::board::{Board, Runner};
use std::path::Path;

/// The connection to a board.
#[derive(Debug)]
pub(crate) enum Connection {
    /// The board is this machine.
    Local,
    /// The board is another machine.
    Remote(Link),
    /// A tool on this machine runs programs for the board: an emulator or a debug probe.
    Tool,
}

impl Connection {
    /// Returns the connection to a board, after a check that the needed tools are installed. `host`
    /// is the board's address.
    ///
    /// # Errors
    /// Fails if an address is missing, invalid or not needed, or if a tool is not installed.
    pub(crate) fn new(
        board: &Board,
        host: Option<&str>,
        ssh_config: Option<&Path>,
    ) -> Result<Connection> {
        let (name, folder) = (&board.name, board.folder.as_deref());
        ensure!(
            ssh_config.is_none() || board.runner == Runner::Ssh,
            "the board {name} takes no --ssh-config"
        );
        match board.runner {
            Runner::Local => {
                check_no_host(name, host)?;
                Ok(Connection::Local)
            }
            Runner::Ssh => {
                let Some(host) = host else {
                    bail!(
                        "the board {name} is reached over ssh: give its address with \
                         --board-host user@host"
                    );
                };
                tool::require("ssh")?;
                Link::ssh(host, ssh_config, folder).map(Connection::Remote)
            }
            Runner::Adb => {
                tool::require("adb")?;
                Link::adb(host, folder).map(Connection::Remote)
            }
            Runner::Qemu | Runner::ProbeRs => {
                check_no_host(name, host)?;
                let words = board.command.as_deref().unwrap_or_default();
                tool::require(words.first().map_or("", String::as_str))?;
                Ok(Connection::Tool)
            }
        }
    }

    /// Checks that the board can be reached and takes a program, before the time that a build takes.
    ///
    /// # Errors
    /// Fails if it does not answer, or has no folder for programs.
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Connection::Local | Connection::Tool => Ok(()),
            Connection::Remote(link) => link.check(),
        }
    }

    /// Opens the files that describe the board; `None` if it has no files.
    ///
    /// # Errors
    /// Fails if the board's shell cannot be started.
    pub(crate) fn files(&self) -> Result<Option<BoardFiles>> {
        Ok(match self {
            Connection::Local => Some(BoardFiles::Local),
            Connection::Remote(link) => {
                Some(BoardFiles::Remote(Shell::start(link.shell("exec sh"))?))
            }
            Connection::Tool => None,
        })
    }

    /// Brings the program to the board.
    ///
    /// # Errors
    /// Fails if the board cannot be reached.
    pub(crate) fn deploy(&self, program: &Program) -> Result<Deployment> {
        Ok(match self {
            Connection::Local | Connection::Tool => Deployment::Local,
            Connection::Remote(link) => Deployment::Remote(RemoteCopy::new(link.clone(), program)?),
        })
    }
}

fn check_no_host(board: &str, host: Option<&str>) -> Result<()> {
    ensure!(
        host.is_none(),
        "the board {board} is this machine or attached to it: it takes no --board-host"
    );
    Ok(())
}
