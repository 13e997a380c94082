//! Options of the stages that measure on a board while they work.

use crate::deploy::{Connection, Deployer};
use crate::interrupt::Interrupt;
use crate::programs;
use anyhow::{Context, Result};
use clap::Args;
use common::board::{Board, catalog};
use common::profile::MeasurementSettings;
use common::search::requirements::Requirements;
use std::path::{Path, PathBuf};

/// The options that say where a board is, beside the option `--board`.
#[derive(Args, Clone, Debug)]
pub struct ConnectionArgs {
    /// Where the board is: user@raspberrypi.local with the runner `ssh`, a device's serial number
    /// with `adb`
    #[arg(long, value_name = "USER@HOST", requires = "board")]
    board_host: Option<String>,
    /// Configuration that ssh reads in the place of ~/.ssh/config
    #[arg(long, value_name = "FILE", requires = "board_host")]
    ssh_config: Option<PathBuf>,
}

impl ConnectionArgs {
    /// Returns the connection.
    pub fn connection(&self) -> Connection {
        let ConnectionArgs { board_host, ssh_config } = self.clone();
        Connection { board_host, ssh_config }
    }
}

/// The options that name a board and what is required there.
#[derive(Args, Clone, Debug)]
pub struct BoardArgs {
    /// Measure on this board: a name that `measure boards` lists, or a file
    #[arg(long, value_name = "NAME|FILE")]
    pub board: Option<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
    /// Stop once a network takes at most X seconds for an inference (median) on the board, and
    /// meets the other requirements
    #[arg(long, value_name = "X", requires = "board", visible_alias = "latency-target")]
    max_latency_s: Option<f64>,
    /// Stop once a network takes at most X joules for an inference (median) on the board, and meets
    /// the other requirements
    #[arg(long, value_name = "X", requires = "board", visible_alias = "energy-target")]
    max_energy_j: Option<f64>,
}

impl BoardArgs {
    /// Returns the requirements.
    ///
    /// # Errors
    /// Fails if a limit is outside its range.
    pub fn requirements(&self) -> Result<Requirements> {
        let BoardArgs { max_latency_s, max_energy_j, .. } = *self;
        let requirements = Requirements { max_latency_s, max_energy_j, ..Requirements::default() };
        requirements.check().context("the requirements")?;
        Ok(requirements)
    }

    /// Returns whether energy is limited, so that records need one.
    pub fn limits_energy(&self) -> bool {
        self.max_energy_j.is_some()
    }

    /// Returns the board; `None` where none is named.
    ///
    /// # Errors
    /// Fails if there is no such board, or if its file cannot be read.
    pub fn board(&self) -> Result<Option<Board>> {
        let find = |name: &String| catalog::find(name, Path::new(catalog::FOLDER));
        self.board.as_ref().map(find).transpose()
    }

    /// Returns a deployer for the board, which writes records and files to `folder`. With
    /// `needs_energy` it refuses records without energy.
    ///
    /// # Errors
    /// Fails if a program is missing.
    pub fn deployer(
        &self,
        board: Board,
        settings: MeasurementSettings,
        needs_energy: bool,
        folder: &Path,
        bin_dir: Option<&Path>,
        interrupt: Interrupt,
    ) -> Result<Deployer> {
        Ok(Deployer {
            codegen: programs::binary("codegen", bin_dir)?,
            measure: programs::binary("measure", bin_dir)?,
            board,
            connection: self.connection.connection(),
            settings,
            needs_energy,
            folder: folder.to_path_buf(),
            interrupt,
        })
    }
}
