//! Prepares the boards of a search: what deploys networks to them, and what plans their crates.

use crate::board_args::BoardArgs;
use crate::board_names;
use crate::evaluate::crate_planner::{CratePlanner, PlatformPlanner};
use crate::evaluate::hardware::Target;
use crate::evaluate::plan::Planner;
use crate::search::measured::Measurements;
use crate::search_args::option;
use anyhow::{Result, bail};
use common::board::{Board, Platform};
use common::diagnostics;
use common::profile::{SearchSettings, Surrogate};
use common::search::config::SearchConfig;
use common::search::limit::MemoryLimit;
use common::search::objective::Quantity;
use process::deploy::Deployer;
use process::interrupt::Interrupt;
use process::programs::binary;
use std::path::Path;

/// The platform whose crates' memory is planned where no board is named.
const PLATFORM: Platform = Platform::X86_64;

/// Gives each objective and limit its board, and adds the limits and criteria of the command line to
/// those of the profile.
///
/// # Errors
/// Fails if it is open which board is meant, or if the search needs a measurement, and no board is
/// named or an emulated one.
pub(crate) fn settle(
    mut options: SearchSettings,
    profile: &mut SearchSettings,
    boards: &[Board],
) -> Result<()> {
    board_names::resolve(profile, boards)?;
    board_names::resolve(&mut options, boards)?;
    for (needs, name) in measured(&options, profile) {
        let board = boards.iter().find(|board| name.as_ref().is_none_or(|n| *n == board.name));
        match board {
            Some(board) => refuse_emulated(board, Some(&needs))?,
            None => bail!("{needs} is measured on a board: name it with --board"),
        }
    }
    board_names::take_precedence(options, profile);
    Ok(())
}

/// Returns in words what needs a measurement, and the name of its board; `None` is the only one.
fn measured(options: &SearchSettings, profile: &SearchSettings) -> Vec<(String, Option<String>)> {
    let objectives = profile.objectives.iter().filter(|objective| objective.is_measured());
    let objectives =
        objectives.map(|objective| (format!("the objective {objective}"), objective.board.clone()));
    let options = options
        .criteria
        .limits()
        .map(|(limit, _)| (option(limit.what, limit.board.as_deref()), limit.board));
    let settings = profile
        .criteria
        .limits()
        .map(|(limit, _)| (format!("search.criteria.{limit} of the profile"), limit.board.clone()));
    objectives.chain(options).chain(settings).collect()
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

/// Returns what deploys the members of the front to each board that is not emulated; of emulated
/// ones only memory counts.
///
/// # Errors
/// Fails if a program is missing, or if it is open which board a connection is for.
pub(crate) fn targets(
    args: &BoardArgs,
    config: &SearchConfig,
    folder: &Path,
    bin_dir: Option<&Path>,
    interrupt: Interrupt,
) -> Result<Vec<Target>> {
    let boards: Vec<Board> = config.all_boards().map(|(_, board)| board.clone()).collect();
    let connections = args.connections(&boards)?;
    let mut targets = Vec::new();
    for ((name, board), connection) in config.all_boards().zip(connections) {
        if board.is_emulated() {
            diagnostics::say(&format!("{} is emulated: nothing is measured on it", board.name));
            continue;
        }
        let deployer = Deployer {
            codegen: binary("codegen", bin_dir)?,
            measure: binary("measure", bin_dir)?,
            board: board.clone(),
            connection,
            settings: config.search.measurement.clone(),
            needs_energy: needs_energy(config, name),
            folder: folder.to_path_buf(),
            interrupt,
        };
        targets.push(Target { name: name.map(String::from), deployer });
    }
    Ok(targets)
}

/// Returns whether an objective or a criterion needs a board's energy.
fn needs_energy(config: &SearchConfig, board: Option<&str>) -> bool {
    let required = config.criteria.on(board);
    required.max_energy_j.or(required.max_power_w).is_some()
        || config.search.objectives.iter().any(|objective| {
            objective.what == Quantity::EnergyJ && objective.board.as_deref() == board
        })
}

/// Returns what plans crates: for each board where an objective or a limit needs it, or once for all
/// boards if they have the same platform.
///
/// # Errors
/// Fails if the program `codegen` is missing.
pub(crate) fn planners(
    config: &SearchConfig,
    folder: &Path,
    bin_dir: Option<&Path>,
    interrupt: Interrupt,
) -> Result<Vec<PlatformPlanner>> {
    let boards = || config.all_boards();
    let platforms: Vec<(Option<&str>, Platform)> =
        match board_names::share_memory(boards().map(|(_, board)| board)) {
            true => {
                vec![(None, boards().next().map_or(PLATFORM, |(_, board)| board.platform))]
            }
            false => boards().map(|(name, board)| (name, board.platform)).collect(),
        };
    let mut planners = Vec::new();
    for (board, platform) in platforms {
        let needs = |limit| config.search.needs_memory(limit, board);
        if MemoryLimit::ALL.into_iter().any(needs) || forecasts_latency(config, board) {
            let codegen = binary("codegen", bin_dir)?;
            let planner = Planner { codegen, platform, precision: config.precision, interrupt };
            let network_file = folder.join("measuring/plan-network.json");
            let planner = CratePlanner::new(planner, network_file);
            planners.push(PlatformPlanner { board: board.map(String::from), planner });
        }
    }
    Ok(planners)
}

/// Returns whether latencies on a board, or on any if it is `None`, are forecast from plans: with a
/// Gaussian process, if they are an objective or have a limit.
fn forecasts_latency(config: &SearchConfig, board: Option<&str>) -> bool {
    let measurements = Measurements::of(&config.search.objectives, &config.criteria);
    let mut latencies = measurements.latencies();
    config.search.surrogate == Some(Surrogate::Gaussian)
        && latencies.any(|(_, of)| board.is_none() || of == board)
}
