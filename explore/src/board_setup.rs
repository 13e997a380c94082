//! Prepares the board of a search: which one it is, what deploys networks to it, and what plans
//! their memory.

use crate::evaluate::memory::MemoryPlanner;
use anyhow::{Result, bail};
use common::board::{Board, Platform};
use common::diagnostics;
use common::precision::Precision;
use common::profile::SearchSettings;
use common::search::objective::Objective;
use common::search::requirements::Requirements;
use process::board_args::BoardArgs;
use process::deploy::Deployer;
use process::interrupt::Interrupt;
use process::programs::binary;
use std::path::Path;

/// The platform whose crates' memory is planned where no board is named.
const PLATFORM: Platform = Platform::X86_64;

/// Returns the board; `None` where none is named. `requirements` are those of the command line.
///
/// # Errors
/// Fails if the search needs a measurement, and no board is named or an emulated one.
pub(crate) fn board(
    args: &BoardArgs,
    requirements: &Requirements,
    search: &SearchSettings,
) -> Result<Option<Board>> {
    let objective = search.objectives.iter().find(|objective| objective.is_measured());
    let objective = objective.map(|objective| format!("the objective {objective}"));
    let option = measured(requirements).map(|key| format!("--{}", key.replace('_', "-")));
    let setting =
        measured(&search.criteria).map(|key| format!("search.criteria.{key} of the profile"));
    let needs = objective.or(option).or(setting);
    let Some(board) = args.board()? else {
        return match needs {
            Some(needs) => bail!("{needs} is measured on a board: name it with --board"),
            None => Ok(None),
        };
    };
    refuse_emulated(&board, needs.as_deref())?;
    Ok(Some(board))
}

/// Fails if something that needs a measurement is asked of an emulated board.
///
/// # Errors
/// Fails as described; the error names what was asked.
pub(crate) fn refuse_emulated(board: &Board, measured: Option<&str>) -> Result<()> {
    match measured {
        Some(measured) if board.is_emulated() => bail!(
            "{measured} needs a real board, but {} is emulated: its times are those of an \
             emulator, and it has no power",
            board.name
        ),
        Some(_) | None => Ok(()),
    }
}

/// Returns the key of a requirement that is measured, if there is one.
fn measured(requirements: &Requirements) -> Option<&'static str> {
    let limits = [
        ("max_latency_s", requirements.max_latency_s),
        ("max_energy_j", requirements.max_energy_j),
        ("max_power_w", requirements.max_power_w),
    ];
    limits.into_iter().find_map(|(key, limit)| limit.map(|_| key))
}

/// Returns what deploys the members of the front to the board; `None` without a board, or where it
/// is emulated, so that only memory counts.
///
/// # Errors
/// Fails if a program is missing.
pub(crate) fn deployer(
    args: &BoardArgs,
    board: Option<Board>,
    requirements: &Requirements,
    search: &SearchSettings,
    folder: &Path,
    bin_dir: Option<&Path>,
    interrupt: Interrupt,
) -> Result<Option<Deployer>> {
    let Some(board) = board else { return Ok(None) };
    if board.is_emulated() {
        diagnostics::say(&format!("{} is emulated: nothing is measured on it", board.name));
        return Ok(None);
    }
    let limit = requirements.max_energy_j.or(requirements.max_power_w);
    let needs_energy = limit.is_some() || search.objectives.contains(&Objective::EnergyJ);
    let settings = search.measurement.clone();
    args.deployer(board, settings, needs_energy, folder, bin_dir, interrupt).map(Some)
}

/// Returns what plans memory; `None` where no objective or limit needs it.
///
/// # Errors
/// Fails if the program `codegen` is missing.
pub(crate) fn memory_planner(
    board: Option<&Board>,
    search: &SearchSettings,
    precision: Precision,
    folder: &Path,
    bin_dir: Option<&Path>,
    interrupt: Interrupt,
) -> Result<Option<MemoryPlanner>> {
    if !search.needs_arena() && !search.needs_flash() {
        return Ok(None);
    }
    let platform = board.map_or(PLATFORM, |board| board.platform);
    let network = folder.join("measuring/plan-network.json");
    let codegen = binary("codegen", bin_dir)?;
    Ok(Some(MemoryPlanner::new(codegen, platform, precision, network, interrupt)))
}
