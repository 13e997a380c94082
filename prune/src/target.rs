//! What is asked of a board: the crate of each round is measured there, as briefly as in a search.

use anyhow::{Result, ensure};
use common::board::Board;
use common::profile::Profile;
use common::prune_report::{PruneCrate, PruneTarget};
use common::{boards, json, stage};
use stages::on_board::{OnBoard, PlaceArgs, Taken, check_energy};
use stages::programs::Interrupt;
use std::path::Path;

/// Options of `prune run` that ask something of a board.
#[derive(clap::Args, Debug)]
pub(crate) struct TargetArgs {
    /// Measure the network before pruning and after each round on this board: a name that
    /// `measure boards` lists, or a file
    #[arg(long, value_name = "FILE|NAME")]
    board: Option<String>,
    /// End once the crate takes at most so many seconds for an inference (median) on the board
    #[arg(long, value_name = "S", requires = "board")]
    latency_target: Option<f64>,
    /// End once the crate takes at most so many joules for an inference (median) on the board
    #[arg(long, value_name = "J", requires = "board")]
    energy_target: Option<f64>,
    #[command(flatten)]
    place: PlaceArgs,
}

/// A board, and what is asked for there.
#[derive(Clone, Debug)]
pub struct Target {
    pub(crate) on_board: OnBoard,
    pub(crate) asked: PruneTarget,
}

impl Target {
    /// What the options say; `None` without a board. `folder` is where the run writes to.
    ///
    /// # Errors
    /// A target that no crate could meet, an unknown board or one that cannot tell what is asked
    /// for, a missing program.
    pub(crate) fn of(
        args: &TargetArgs,
        config: Option<&Path>,
        bin_dir: Option<&Path>,
        folder: &Path,
        interrupt: Interrupt,
    ) -> Result<Option<Target>> {
        let Some(name) = &args.board else { return Ok(None) };
        let asked = PruneTarget { latency_s: args.latency_target, energy_j: args.energy_target };
        asked.check()?;
        let board = boards::find(name, Path::new(boards::FOLDER))?;
        check(&board, &asked)?;
        let on_board = OnBoard {
            codegen: stage::binary("codegen", bin_dir)?,
            measure: stage::binary("measure", bin_dir)?,
            board,
            place: args.place.clone(),
            settings: json::read_or_default::<Profile>(config)?.search.measurement,
            energy: asked.energy_j.is_some(),
            folder: folder.to_path_buf(),
            interrupt,
        };
        Ok(Some(Target { on_board, asked }))
    }

    /// What the crate of a network takes; `what` it is goes to the log.
    ///
    /// # Errors
    /// It cannot be generated, built or measured, or has no energy where that is asked for.
    pub(crate) fn measure(&self, network: &Path, weights: &Path, what: &str) -> Result<PruneCrate> {
        let Taken { record, before } = self.on_board.record(network, weights)?;
        let measured = PruneCrate::of(&record);
        let when = if before { " (measured before)" } else { "" };
        eprintln!("{what}: {measured} on {}{when}", self.on_board.board.name);
        Ok(measured)
    }
}

/// Whether a board can tell what is asked for.
fn check(board: &Board, asked: &PruneTarget) -> Result<()> {
    let name = &board.name;
    ensure!(
        !board.is_emulated(),
        "the board {name} is emulated: its times are not a board's; choose another one"
    );
    if asked.energy_j.is_some() { check_energy(board) } else { Ok(()) }
}
