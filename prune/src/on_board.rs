//! What the crate of a network takes on a board: it is generated (`codegen`) and measured (`measure`) after each round, as
//! briefly as in a search.

use crate::programs;
use anyhow::{Result, bail, ensure};
use common::board::{Board, Meter};
use common::crate_hash::crate_sha256;
use common::hash::sha256_hex;
use common::measurement::Measurement;
use common::profile::{MeasurementSettings, Profile};
use common::prune_report::{PruneCrate, PruneTarget};
use common::{atomic, boards, json, stage};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Options of `prune run` that ask something of a board.
#[derive(clap::Args, Debug)]
pub(crate) struct BoardArgs {
    /// Measure the network before pruning and after each round on this board: a name that `measure boards` lists, or a
    /// file
    #[arg(long, value_name = "FILE|NAME")]
    board: Option<String>,
    /// End once the crate takes at most so many seconds for an inference (median) on the board
    #[arg(long, value_name = "S", requires = "board")]
    latency_target: Option<f64>,
    /// End once the crate takes at most so many joules for an inference (median) on the board
    #[arg(long, value_name = "J", requires = "board")]
    energy_target: Option<f64>,
    /// Where a board with the runner `ssh` is, such as user@raspberrypi.local
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
    codegen: PathBuf,
    /// The program `measure`.
    measure: PathBuf,
    /// The board.
    pub(crate) board: Board,
    /// What is asked for.
    pub(crate) target: PruneTarget,
    /// Where the board is.
    host: Option<String>,
    ssh_config: Option<PathBuf>,
    /// How long to measure.
    settings: MeasurementSettings,
    /// The folder that the run writes to.
    folder: PathBuf,
}

impl OnBoard {
    /// What the options say; `None` without a board. `folder` is where the run writes to.
    ///
    /// # Errors
    /// A target that no crate could meet, an unknown board or one that cannot tell what is asked for, a missing program.
    pub(crate) fn of(
        args: &BoardArgs,
        config: Option<&Path>,
        bin_dir: Option<&Path>,
        folder: &Path,
    ) -> Result<Option<OnBoard>> {
        let Some(name) = &args.board else { return Ok(None) };
        let target = PruneTarget { latency_s: args.latency_target, energy_j: args.energy_target };
        target.check()?;
        let board = boards::find(name, Path::new(boards::FOLDER))?;
        check(&board, &target)?;
        Ok(Some(OnBoard {
            codegen: stage::binary("codegen", bin_dir)?,
            measure: stage::binary("measure", bin_dir)?,
            board,
            target,
            host: args.board_host.clone(),
            ssh_config: args.ssh_config.clone(),
            settings: json::read_or_default::<Profile>(config)?.search.measurement,
            folder: folder.to_path_buf(),
        }))
    }

    /// What the crate of a network takes; `what` it is goes to the log. The record of the very same crate, measured in the
    /// same way in an earlier run, is taken as it is.
    ///
    /// # Errors
    /// It cannot be generated, built or measured, or has no energy where that is asked for.
    pub(crate) fn measure(&self, network: &Path, weights: &Path, what: &str) -> Result<PruneCrate> {
        let path = self.generate(network, weights)?;
        let found = json::read::<Measurement>(&path).ok().filter(|record| self.tells(record));
        let when = if found.is_some() { " (measured before)" } else { "" };
        let record = match found {
            Some(record) => record,
            None => self.take(&path)?,
        };
        let measured = PruneCrate::of(&record);
        eprintln!("{what}: {measured} on {}{when}", self.board.name);
        Ok(measured)
    }

    /// Whether a record has what is asked for.
    fn tells(&self, record: &Measurement) -> bool {
        self.target.energy_j.is_none() || record.energy.gross_j.is_some()
    }

    /// Writes the crate, and tells where its record belongs.
    fn generate(&self, network: &Path, weights: &Path) -> Result<PathBuf> {
        atomic::create_dir_all(&self.work(""))?;
        json::write(&self.work("board.json"), &self.board)?;
        let mut command = Command::new(&self.codegen);
        command.arg("generate").arg("--network").arg(network).arg("--weights").arg(weights);
        command.args(["--platform", &self.board.platform, "--name", "pruned"]);
        command.arg("--board").arg(self.work("board.json")).arg("--out").arg(self.work("crate"));
        programs::run(command, &self.work("codegen.log"))?;
        let inputs = format!(
            "crate {}\nboard {}\nat {}\nfor {}\n",
            crate_sha256(&self.work("crate"), Path::new(""))?,
            json::to_text(&self.board)?,
            self.host.as_deref().unwrap_or("this machine"),
            serde_json::to_string(&self.settings)?,
        );
        Ok(self.folder.join("measurements").join(format!("{}.json", sha256_hex(inputs.as_bytes()))))
    }

    fn take(&self, out: &Path) -> Result<Measurement> {
        let profile = self.work("profile.json");
        json::write(&profile, &Profile { measurement: self.settings.clone(), ..Profile::default() })?;
        let mut command = Command::new(&self.measure);
        command.arg("run").arg("--crate").arg(self.work("crate")).arg("--board").arg(self.work("board.json"));
        command.arg("--config").arg(&profile).arg("--out").arg(out);
        if let Some(host) = &self.host {
            command.arg("--board-host").arg(host);
        }
        if let Some(config) = &self.ssh_config {
            command.arg("--ssh-config").arg(config);
        }
        if self.target.energy_j.is_some() {
            command.arg("--require-energy");
        }
        programs::run(command, &self.work("measure.log"))?;
        let record: Measurement = json::read(out)?;
        ensure!(
            self.tells(&record),
            "{}: it has no energy: {}",
            out.display(),
            record.energy.reason.unwrap_or_default()
        );
        Ok(record)
    }

    fn work(&self, file: &str) -> PathBuf {
        self.folder.join("measuring").join(file)
    }
}

/// Whether a board can tell what is asked for.
fn check(board: &Board, target: &PruneTarget) -> Result<()> {
    let name = &board.name;
    ensure!(!board.is_emulated(), "the board {name} is emulated: its times are not a board's; choose another one");
    if target.energy_j.is_none() {
        return Ok(());
    }
    match board.meter {
        Meter::Rapl | Meter::Nvml | Meter::Hwmon => Ok(()),
        Meter::None => bail!("an energy is asked for, but the board {name} has no meter; choose another board"),
        meter @ (Meter::Csv | Meter::Manual) => {
            bail!("an energy is asked for, but the meter of the board {name}, {meter}, cannot be read by itself")
        }
    }
}
