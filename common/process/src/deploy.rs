//! Measures networks on a board: generates a crate (`codegen`) and measures it (`measure`).
//!
//! A record is kept under the hash of everything that determines it, so nothing is measured twice,
//! even if a run is repeated.

use crate::interrupt::Interrupt;
use crate::logged;
use anyhow::{Result, bail};
use common::board::{Board, Meter};
use common::files::crate_hash::crate_sha256;
use common::files::hash::sha256_hex;
use common::files::{atomic, json};
use common::measurement::Measurement;
use common::profile::{MeasurementSettings, Profile};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The connection to a board.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// `user@host` for ssh, serial number for adb; `None` for this machine.
    pub board_host: Option<String>,
    /// Configuration file of ssh.
    pub ssh_config: Option<PathBuf>,
}

/// A board, and the programs that bring networks to it.
#[derive(Clone, Debug)]
pub struct Deployer {
    /// Path of the program `codegen`.
    pub codegen: PathBuf,
    /// Path of the program `measure`.
    pub measure: PathBuf,
    /// Board.
    pub board: Board,
    /// Connection to the board.
    pub connection: Connection,
    /// Settings of the measurements.
    pub settings: MeasurementSettings,
    /// `true` if a record without energy is refused.
    pub needs_energy: bool,
    /// Folder that the run writes to; records go to `measurements` in it.
    pub folder: PathBuf,
    /// Response to termination signals.
    pub interrupt: Interrupt,
}

/// Fails if a board's energy cannot be read without a person's help.
///
/// # Errors
/// Fails as described; the error names the board.
pub fn check_energy(board: &Board) -> Result<()> {
    let name = &board.name;
    match board.meter {
        Meter::Rapl | Meter::Nvml | Meter::Hwmon => Ok(()),
        Meter::None => {
            bail!("an energy is asked for, but the board {name} has no meter; choose another board")
        }
        meter @ (Meter::Csv | Meter::Manual) => {
            bail!(
                "an energy is asked for, but the meter of the board {name}, {meter}, cannot be read by itself"
            )
        }
    }
}

/// The parameters of a network.
#[derive(Clone, Copy, Debug)]
pub enum Parameters<'a> {
    /// The file of its weights.
    F32(&'a Path),
    /// The folder of its int8 form, as `train quantize` writes it.
    Int8(&'a Path),
}

/// The record of a network on a board.
#[derive(Debug)]
pub struct Deployed {
    /// Record.
    pub record: Measurement,
    /// `true` if the record existed before.
    pub is_reused: bool,
}

impl Deployer {
    /// Returns the record of a network: an earlier one of an identical crate, measured in the same
    /// way, or else a new one.
    ///
    /// # Errors
    /// Fails if the crate cannot be generated, built or measured, if the record has no energy where
    /// that is needed, or if a termination signal is received.
    pub fn deploy(&self, network: &Path, parameters: Parameters<'_>) -> Result<Deployed> {
        self.generate(network, parameters)?;
        self.deploy_generated()
    }

    /// Returns the record of the crate that is in the work folder, which [`Deployer::generate`] of
    /// another board of the same platform may have written.
    ///
    /// # Errors
    /// Fails as [`Deployer::deploy`] does.
    pub fn deploy_generated(&self) -> Result<Deployed> {
        json::write(&self.work_file("board.json"), &self.board)?;
        let path = self.record_file()?;
        let earlier = json::read::<Measurement>(&path).ok();
        if let Some(record) = earlier.filter(|record| self.is_complete(record)) {
            return Ok(Deployed { record, is_reused: true });
        }
        self.measure(&path)?;
        let record: Measurement = json::read(&path)?;
        if !self.is_complete(&record) {
            bail!(
                "{}: it has no energy: {}",
                path.display(),
                record.energy.reason.unwrap_or_default()
            );
        }
        Ok(Deployed { record, is_reused: false })
    }

    fn is_complete(&self, record: &Measurement) -> bool {
        !self.needs_energy || record.energy.gross_j.is_some()
    }

    /// Writes the crate of a network into the work folder.
    ///
    /// # Errors
    /// Fails if it cannot be generated.
    pub fn generate(&self, network: &Path, parameters: Parameters<'_>) -> Result<()> {
        atomic::create_dir_all(&self.work_file(""))?;
        json::write(&self.work_file("board.json"), &self.board)?;
        let mut command = Command::new(&self.codegen);
        command.arg("generate").arg("--network").arg(network);
        match parameters {
            Parameters::F32(weights) => command.arg("--weights").arg(weights),
            Parameters::Int8(folder) => command.arg("--quantized").arg(folder),
        };
        command.args(["--platform", self.board.platform.name(), "--name", "candidate"]);
        command.arg("--board").arg(self.work_file("board.json"));
        command.arg("--out").arg(self.work_file("crate"));
        logged::run(command, &self.work_file("codegen.log"), &self.interrupt)
    }

    /// Returns the path of the record of the crate in the work folder.
    fn record_file(&self) -> Result<PathBuf> {
        let inputs = format!(
            "crate {}\nboard {}\nat {}\nfor {}\n",
            crate_sha256(&self.work_file("crate"), Path::new(""))?,
            json::to_text(&self.board)?,
            self.connection.board_host.as_deref().unwrap_or("this machine"),
            serde_json::to_string(&self.settings)?,
        );
        Ok(self.folder.join("measurements").join(format!("{}.json", sha256_hex(inputs.as_bytes()))))
    }

    /// Measures the crate into the record `out`.
    fn measure(&self, out: &Path) -> Result<()> {
        let profile = self.work_file("profile.json");
        let settings = Profile { measurement: self.settings.clone(), ..Profile::default() };
        json::write(&profile, &settings)?;
        let mut command = Command::new(&self.measure);
        command.arg("run").arg("--crate").arg(self.work_file("crate"));
        command.arg("--board").arg(self.work_file("board.json"));
        command.arg("--config").arg(&profile).arg("--out").arg(out);
        if let Some(host) = &self.connection.board_host {
            command.arg("--board-host").arg(host);
        }
        if let Some(config) = &self.connection.ssh_config {
            command.arg("--ssh-config").arg(config);
        }
        if self.needs_energy {
            command.arg("--require-energy");
        }
        logged::run(command, &self.work_file("measure.log"), &self.interrupt)
    }

    fn work_file(&self, name: &str) -> PathBuf {
        self.folder.join("measuring").join(name)
    }
}
