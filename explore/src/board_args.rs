//! Options of `explore run` that ask something of a board.

use crate::console::log_line;
use crate::evaluate::memory::MemoryPlanner;
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use common::board::Board;
use common::criteria::Criteria;
use common::objective::Objective;
use common::profile::SearchSettings;
use common::{boards, stage};
use stages::on_board::{OnBoard, PlaceArgs};
use stages::programs::Interrupt;
use std::path::{Path, PathBuf};

/// Whose crates' memory is meant where no board is named.
const PLATFORM: &str = "x86_64";

#[derive(Debug, Args)]
pub(crate) struct BoardArgs {
    /// Measure on this board: a name that `measure boards` lists, or a file; of an emulated one
    /// only the memory counts
    #[arg(long, value_name = "F|NAME")]
    board: Option<String>,
    #[command(flatten)]
    place: PlaceArgs,
    /// End once an individual takes at most so many joules for an inference, and meets the other
    /// criteria
    #[arg(long, value_name = "X", requires = "board")]
    max_energy_j: Option<f64>,
    /// End once an individual takes at most so many seconds for an inference, and meets the other
    /// criteria
    #[arg(long, value_name = "X", requires = "board")]
    max_latency_s: Option<f64>,
    /// End once an individual has at least this validation accuracy (0..1), and meets the other
    /// criteria
    #[arg(long, value_name = "X")]
    min_accuracy: Option<f64>,
}

impl BoardArgs {
    pub(crate) fn criteria(&self) -> Result<Criteria> {
        let BoardArgs { max_energy_j, max_latency_s, min_accuracy, .. } = *self;
        let criteria = Criteria { max_energy_j, max_latency_s, min_accuracy };
        criteria.check().context("the criteria")?;
        Ok(criteria)
    }

    /// The board, where one is named.
    ///
    /// # Errors
    /// Something is asked for that is measured, and no board is named, or one that is emulated.
    pub(crate) fn board(&self, search: &SearchSettings) -> Result<Option<Board>> {
        let objective = search.objectives.iter().find(|objective| objective.is_measured());
        if let Some(objective) = objective {
            ensure!(
                self.board.is_some(),
                "the objective {objective} is measured on a board: name it with --board"
            );
        }
        let Some(board) = &self.board else { return Ok(None) };
        let board = boards::find(board, Path::new(boards::FOLDER))?;
        let objective = objective.map(|objective| format!("the objective {objective}"));
        let criterion =
            [("--max-latency-s", self.max_latency_s), ("--max-energy-j", self.max_energy_j)]
                .into_iter()
                .find_map(|(name, value)| value.map(|_| name.to_string()));
        if let Some(asked) = objective.or(criterion).filter(|_| board.is_emulated()) {
            bail!(
                "{asked} needs a real board, but {} is emulated: its times are those of an emulator, and it has no power",
                board.name
            );
        }
        Ok(Some(board))
    }

    /// What measures on the board: each member of the front, where a board is named. Of an emulated
    /// one, memory alone counts.
    pub(crate) fn on_board(
        &self,
        board: Option<Board>,
        search: &SearchSettings,
        folder: &Path,
        bin_dir: Option<&Path>,
        interrupt: Interrupt,
    ) -> Result<Option<OnBoard>> {
        let Some(board) = board else { return Ok(None) };
        if board.is_emulated() {
            log_line(&format!("{} is emulated: nothing is measured on it", board.name));
            return Ok(None);
        }
        Ok(Some(OnBoard {
            codegen: stage::binary("codegen", bin_dir)?,
            measure: stage::binary("measure", bin_dir)?,
            board,
            place: self.place.clone(),
            settings: search.measurement.clone(),
            energy: self.max_energy_j.is_some() || search.objectives.contains(&Objective::EnergyJ),
            folder: folder.to_path_buf(),
            interrupt,
        }))
    }
}

/// What tells working memory, where an objective or a limit needs it.
pub(crate) fn memory_planner(
    board: Option<&Board>,
    search: &SearchSettings,
    folder: &Path,
    bin_dir: Option<&Path>,
) -> Result<Option<MemoryPlanner>> {
    if search.max_arena_bytes.is_none() && !search.objectives.contains(&Objective::ArenaBytes) {
        return Ok(None);
    }
    let platform = board.map_or(PLATFORM, |board| &board.platform).to_string();
    let network: PathBuf = folder.join("measuring/plan-network.json");
    Ok(Some(MemoryPlanner::new(stage::binary("codegen", bin_dir)?, platform, network)))
}
