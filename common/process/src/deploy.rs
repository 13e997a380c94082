//! What the crate of a network takes on a board: it is generated (`codegen`) and measured
//! (`measure`).
//!
//! A record is kept by the hash of all that decides it, so nothing is measured twice, however often
//! a run is repeated.

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

/// Options that say where a board is, beside the option `--board` of a stage.
#[derive(clap::Args, Clone, Debug)]
pub struct PlaceArgs {
    /// Where the board is: user@raspberrypi.local with the runner `ssh`, a device's serial number
    /// with `adb`
    #[arg(long, value_name = "USER@HOST", requires = "board")]
    board_host: Option<String>,
    /// Configuration that ssh reads in the place of ~/.ssh/config
    #[arg(long, value_name = "FILE", requires = "board_host")]
    ssh_config: Option<PathBuf>,
}

/// A board, and the programs that bring networks to it.
#[derive(Clone, Debug)]
pub struct OnBoard {
    /// The program `codegen`.
    pub codegen: PathBuf,
    /// The program `measure`.
    pub measure: PathBuf,
    /// The board.
    pub board: Board,
    /// Where it is.
    pub place: PlaceArgs,
    /// How long to measure.
    pub settings: MeasurementSettings,
    /// Whether a record without energy is of no use.
    pub energy: bool,
    /// The folder that the run writes to; records go to `measurements` in it.
    pub folder: PathBuf,
    /// What ends the programs.
    pub interrupt: Interrupt,
}

/// That a board's energy can be read without anybody's help.
///
/// # Errors
/// It has no meter, or one that cannot be read by itself.
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

/// A record, and whether an earlier run has taken it.
#[derive(Debug)]
pub struct Taken {
    /// The record.
    pub record: Measurement,
    /// An earlier run has taken it.
    pub before: bool,
}

impl OnBoard {
    /// The record of a network, taken now unless there is one of the very same crate, measured in
    /// the same way.
    ///
    /// # Errors
    /// It cannot be generated, built or measured, has no energy where that is asked for, or a
    /// signal came.
    pub fn record(&self, network: &Path, weights: &Path) -> Result<Taken> {
        let path = self.generate(network, weights)?;
        if let Some(record) =
            json::read::<Measurement>(&path).ok().filter(|record| self.tells(record))
        {
            return Ok(Taken { record, before: true });
        }
        self.take(&path)?;
        let record: Measurement = json::read(&path)?;
        if !self.tells(&record) {
            bail!(
                "{}: it has no energy: {}",
                path.display(),
                record.energy.reason.unwrap_or_default()
            );
        }
        Ok(Taken { record, before: false })
    }

    /// Whether a record has what is asked for.
    fn tells(&self, record: &Measurement) -> bool {
        !self.energy || record.energy.gross_j.is_some()
    }

    /// Writes the crate, and tells where its record belongs.
    fn generate(&self, network: &Path, weights: &Path) -> Result<PathBuf> {
        atomic::create_dir_all(&self.work(""))?;
        json::write(&self.work("board.json"), &self.board)?;
        let mut command = Command::new(&self.codegen);
        command.arg("generate").arg("--network").arg(network).arg("--weights").arg(weights);
        command.args(["--platform", &self.board.platform, "--name", "candidate"]);
        command.arg("--board").arg(self.work("board.json")).arg("--out").arg(self.work("crate"));
        logged::run(command, &self.work("codegen.log"), &self.interrupt)?;
        let inputs = format!(
            "crate {}\nboard {}\nat {}\nfor {}\n",
            crate_sha256(&self.work("crate"), Path::new(""))?,
            json::to_text(&self.board)?,
            self.place.board_host.as_deref().unwrap_or("this machine"),
            serde_json::to_string(&self.settings)?,
        );
        Ok(self.folder.join("measurements").join(format!("{}.json", sha256_hex(inputs.as_bytes()))))
    }

    fn take(&self, out: &Path) -> Result<()> {
        let profile = self.work("profile.json");
        json::write(
            &profile,
            &Profile { measurement: self.settings.clone(), ..Profile::default() },
        )?;
        let mut command = Command::new(&self.measure);
        command
            .arg("run")
            .arg("--crate")
            .arg(self.work("crate"))
            .arg("--board")
            .arg(self.work("board.json"));
        command.arg("--config").arg(&profile).arg("--out").arg(out);
        if let Some(host) = &self.place.board_host {
            command.arg("--board-host").arg(host);
        }
        if let Some(config) = &self.place.ssh_config {
            command.arg("--ssh-config").arg(config);
        }
        if self.energy {
            command.arg("--require-energy");
        }
        logged::run(command, &self.work("measure.log"), &self.interrupt)
    }

    fn work(&self, file: &str) -> PathBuf {
        self.folder.join("measuring").join(file)
    }
}
