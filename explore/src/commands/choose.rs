//! `explore choose`: chooses a network of a finished run for a board.

use crate::board_setup::refuse_emulated;
use crate::choose::finished_run::FinishedRun;
use crate::choose::maker::Maker;
use crate::choose::stages::Stages;
use crate::choose::words;
use crate::choose_args::ChooseArgs;
use crate::engine_setup;
use anyhow::{Context, Result, bail, ensure};
use common::board::{Board, Platform, catalog};
use common::choice::{Candidate, Demands, OrderBy, choose};
use common::choice_report::ChoiceReport;
use common::dataset::Dataset;
use common::diagnostics;
use common::files::json;
use common::precision::Precisions;
use common::profile::Profile;
use process::cli::print_line;
use process::engine_args::EngineName;
use process::interrupt::Interrupt;
use process::lock::lock;
use process::programs::binary;
use std::path::{Path, PathBuf};

/// The advice in the error of an interrupted run.
const REMEDY: &str = "what is finished is kept, and the same command goes on from there";

/// Makes the networks of the run that are missing, prints the choice as JSON, and says it in words
/// on stderr.
///
/// # Errors
/// Fails if the run is not finished, if a demand cannot be checked on the board, if a program of
/// another stage fails, or if no network meets the demands.
pub(crate) fn run(args: &ChooseArgs) -> Result<()> {
    let (demands, order_by) = (args.demands()?, OrderBy::from(args.objective));
    let board = catalog::find(&args.board, Path::new(catalog::FOLDER))?;
    check_measurable(&board, &demands, order_by)?;
    let mut run = FinishedRun::read(&args.run)?;
    run.precisions = precisions_on(&board, run.precisions)?;
    let dataset = dataset(args, &run)?;
    let interrupt = Interrupt::catch(REMEDY)?;
    let _lock = lock(&args.run.join("explore"))?;
    let name = board.name.clone();
    let profile: Profile = json::read(&run.profile())?;
    let train = binary("train", args.bin_dir.as_deref())?;
    let (folder, settings) = (args.run.join("explore"), &profile.cluster);
    let cluster = engine_setup::commands(&train, &folder, &args.engine_args, settings, &interrupt)?;
    let maker = Maker {
        run: &run,
        stages: Stages {
            run: &run,
            dataset,
            board,
            board_name: args.board.clone(),
            connection: args.connection.connection(),
            device: args.device,
            cluster,
            threads: (args.engine_args.engine == EngineName::Slurm).then_some(settings.cpus),
            bin_dir: args.bin_dir.clone(),
            needs_energy: needs_energy(&demands, order_by),
            interrupt,
        },
    };
    let (candidates, refused) = networks(&maker, &run)?;
    let choice = choose(&candidates, &demands, order_by);
    let path = |name: &str| run.network(name).display().to_string();
    let report = ChoiceReport::new(&name, order_by, demands, &choice, &refused, path);
    print_line(json::to_text(&report)?.trim_end())?;
    words::lines(&choice, candidates.len(), &demands, order_by, &refused)
        .iter()
        .for_each(|line| diagnostics::say(line));
    ensure!(choice.chosen.is_some(), "{}", words::none_chosen(&choice));
    Ok(())
}

/// The name of a network that does not exist, and the reason.
type Refusal = (String, String);

/// Returns all networks of a run, and those that do not exist.
fn networks(maker: &Maker<'_>, run: &FinishedRun) -> Result<(Vec<Candidate>, Vec<Refusal>)> {
    maker.train_together(&run.members)?;
    let (mut candidates, mut refused) = (Vec::new(), Vec::new());
    for (index, member) in run.members.iter().enumerate() {
        diagnostics::say(&format!("{} ({} of {})", member.name, index + 1, run.members.len()));
        for made in maker.make(member).with_context(|| format!("network {}", member.name))? {
            match made.network {
                Ok(candidate) => candidates.push(candidate),
                Err(reason) => refused.push((made.name, reason)),
            }
        }
    }
    Ok((candidates, refused))
}

/// Fails if an emulated board is asked for what is measured.
fn check_measurable(board: &Board, demands: &Demands, order_by: OrderBy) -> Result<()> {
    let limits = [
        ("--max-latency-s", demands.max_latency_s),
        ("--max-energy-j", demands.max_energy_j),
        ("--max-power-w", demands.max_power_w),
    ];
    let limit = limits.into_iter().find_map(|(name, limit)| limit.map(|_| name));
    let objective = match order_by {
        OrderBy::Latency => Some("--objective latency"),
        OrderBy::Energy => Some("--objective energy"),
        OrderBy::Accuracy | OrderBy::Parameters => None,
    };
    refuse_emulated(board, limit.or(objective))
}

fn needs_energy(demands: &Demands, order_by: OrderBy) -> bool {
    demands.max_energy_j.or(demands.max_power_w).is_some() || order_by == OrderBy::Energy
}

/// Returns the precisions in which a board has crates: GPUs have none in int8.
fn precisions_on(board: &Board, precisions: Precisions) -> Result<Precisions> {
    if board.platform != Platform::Cuda || precisions == Precisions::F32 {
        return Ok(precisions);
    }
    let none = format!("there are no int8 crates for GPUs, such as that of {}", board.name);
    if precisions == Precisions::Int8 {
        bail!("{none}: choose another --board");
    }
    diagnostics::say(&format!("{none}: int8 is left out"));
    Ok(Precisions::F32)
}

/// Returns the folder of the data set, whose images must be those of the search.
fn dataset(args: &ChooseArgs, run: &FinishedRun) -> Result<PathBuf> {
    let folder =
        args.dataset.clone().unwrap_or_else(|| Path::new("data").join(&run.search.dataset));
    let found = Dataset::load_training_set(&folder).context("name the data set with --dataset")?;
    // Earlier versions did not record what decides this fingerprint.
    let same = run.search.data.is_none() || found.identity.sha256() == run.search.data_sha256;
    ensure!(
        same,
        "{}: these are not the images of the run's search: name its data set with --dataset",
        folder.display()
    );
    Ok(folder)
}
