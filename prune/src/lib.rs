//! The `prune` stage: takes redundant filters out of a trained network, in rounds of choosing,
//! surgery and fine-tuning (paper, sections 4.2 and 5.3).

mod args;
pub mod choose;
pub mod cluster;
pub mod convolutions;
pub mod earlier;
pub mod figures;
pub mod round;
pub mod rounds;
pub mod scratch;
pub mod surgery;
pub mod table;
pub mod target;
pub mod training;

pub use args::Args;

use anyhow::{Context, Result, bail, ensure};
use args::{Command, RunArgs, ScratchArgs};
use common::counts::{self, Counts};
use common::dataset::Dataset;
use common::lock::lock;
use common::network::{Network, Op};
use common::profile::{Profile, PruningSettings};
use common::prune_report::{PruneEnd, PruneMeasured, PruneReport, PruneWidth};
use common::train_report::TrainReport;
use common::weights::Weights;
use common::{atomic, json, stage};
use earlier::EarlierReport;
use figures::Series;
use round::{Cap, Choice};
use rounds::{Outcome, Schedule};
use serde::Serialize;
use stages::programs::Interrupt;
use std::fs::File;
use std::path::Path;
use surgery::Model;
use target::Target;
use training::Training;

/// What continues a run that was interrupted.
const GOES_ON: &str = "the same command";

/// Runs the stage.
///
/// # Errors
/// An input that is missing, damaged or does not fit the others, a folder that cannot be written, a
/// fine-tuning or measurement that fails, or a target that is not met; in the last case all files
/// are written.
pub fn run(args: Args) -> Result<()> {
    match args.command {
        Command::Run(args) => prune(&args),
        Command::Scratch(args) => scratch(&args),
        Command::Figures(args) => {
            let series = Series::read(&args.folders)?;
            figures::write(&series, &args.out)?;
            stage::print_line(&table::text(&series))
        }
    }
}

/// The result on standard output.
#[derive(Serialize)]
struct Summary {
    parameters_before: u64,
    parameters_after: u64,
    removed: f64,
    macs_before: u64,
    macs_after: u64,
    cap_reached: bool,
    rounds: usize,
    /// On the validation split.
    accuracy: f64,
    /// On the board; `null` where none was named.
    latency_s: Option<f64>,
    /// On the board; `null` where it was not measured.
    energy_j: Option<f64>,
}

/// The result of training from scratch on standard output.
#[derive(Serialize)]
struct ScratchSummary {
    epochs: usize,
    /// On the validation split.
    accuracy: f64,
}

fn scratch(args: &ScratchArgs) -> Result<()> {
    let _lock = lock(&args.from)?;
    earlier::sweep(&args.from)?;
    let training =
        args.compute.training(&args.dataset, args.config.as_deref(), Interrupt::catch(GOES_ON)?)?;
    let trained = scratch::train(&args.from, training)?;
    let summary = ScratchSummary { epochs: trained.report.epochs, accuracy: trained.accuracy };
    stage::print_line(&serde_json::to_string(&summary)?)
}

fn prune(args: &RunArgs) -> Result<()> {
    let settings = settings(args)?;
    let model = read_model(args)?;
    let before = counts::count(&model.network)?;
    let schedule = schedule(args, &settings, before)?;
    let _lock = prepare_out(args)?;
    let folder = args.out.join("rounds");
    atomic::create_dir_all(&folder)?;
    let measured = schedule
        .target
        .as_ref()
        .map(|target| target.measure(&args.network, &args.weights, "original"));
    let measured = measured.transpose().context("the network as it is, before any training")?;
    let score =
        schedule.finetuning.score(&args.network, &args.weights, &folder.join("original.json"));
    let accuracy_before = score.context("the network as it is")?;
    let outcome = rounds::run(&schedule, model.clone(), measured, &folder)?;
    let report = report(args, &settings, &model, accuracy_before, &schedule, &outcome)?;
    scratch::remove_unless_of(&outcome.model.network, &report, &args.out)?;
    schedule.earlier.replace("network.json", json::to_text(&outcome.model.network)?.as_bytes())?;
    schedule.earlier.replace("weights.safetensors", &outcome.model.weights.to_bytes()?)?;
    let series =
        Series { label: report.method.name().to_string(), report: report.clone(), scratch: None };
    figures::write(&[series], &args.out)?;
    json::write(&args.out.join("prune.json"), &report)?;
    stage::print_line(&serde_json::to_string(&summary(&report))?)?;
    tell_the_end(&report, &args.out)
}

/// Says what was not reached. A cap is a limit, a target is a demand: missing it is a failure.
///
/// # Errors
/// The target is not met.
fn tell_the_end(report: &PruneReport, out: &Path) -> Result<()> {
    let nothing = report.rounds.is_empty();
    match report.ended {
        PruneEnd::Cap if nothing => {
            eprintln!("nothing is pruned: {} of {}", report.ended, report.cap)
        }
        PruneEnd::Target if nothing => {
            eprintln!("nothing is pruned: the network meets the target as it is")
        }
        PruneEnd::Cap | PruneEnd::Target => {}
        PruneEnd::Iterations | PruneEnd::Filters => {
            eprintln!("the cap of {} is not reached: {}", report.cap, report.ended);
        }
    }
    let Some(PruneMeasured { board, target, crates }) = report.missed_target() else {
        return Ok(());
    };
    let last = crates.last().context("nothing was measured")?;
    bail!(
        "the target of {target} on {board} is not met: the last crate takes {last}, and {}; all files of it are in {}",
        report.ended,
        out.display()
    )
}

/// The profile's section `pruning` with the options in front of it.
fn settings(args: &RunArgs) -> Result<PruningSettings> {
    let profile: Profile = json::read_or_default(args.config.as_deref())?;
    let PruningSettings {
        cap,
        cluster_factor,
        method,
        choose,
        also,
        iterations,
        finetune_epochs,
        finetune_rate,
    } = profile.pruning;
    let settings = PruningSettings {
        cap: args.cap.unwrap_or(cap),
        cluster_factor: args.cluster_factor.unwrap_or(cluster_factor),
        method: args.method.unwrap_or(method),
        choose: args.choose.unwrap_or(choose),
        also: args.also.clone().unwrap_or(also),
        iterations: args.iterations.unwrap_or(iterations),
        finetune_epochs: args.finetune_epochs.unwrap_or(finetune_epochs),
        finetune_rate,
    };
    settings.check()?;
    Ok(settings)
}

fn read_model(args: &RunArgs) -> Result<Model> {
    let network: Network = json::read(&args.network)?;
    let weights = Weights::read(&args.weights, &network)?;
    check_converged(&args.weights)?;
    let dataset = Dataset::describe(&args.dataset)?;
    let (images, shape) = (dataset.input().shape(), network.input.shape());
    ensure!(
        images == shape && dataset.classes.len() == network.classes.len(),
        "{}: the network is for images of {shape} and {} classes, but those of {} are {images} and of {} classes",
        args.network.display(),
        network.classes.len(),
        dataset.name,
        dataset.classes.len()
    );
    Ok(Model { network, weights })
}

/// That the training beside the weights, if there is one, came to something.
///
/// # Errors
/// It diverged, or its report is damaged.
fn check_converged(weights: &Path) -> Result<()> {
    let report = weights.with_file_name("train.json");
    ensure!(
        !report.exists() || !json::read::<TrainReport>(&report)?.diverged,
        "{}: the training diverged, so these are its initial weights: train the network with smaller learning rates first",
        report.display()
    );
    Ok(())
}

fn schedule(args: &RunArgs, settings: &PruningSettings, before: Counts) -> Result<Schedule> {
    let (config, interrupt) = (args.config.as_deref(), Interrupt::catch(GOES_ON)?);
    Ok(Schedule {
        choice: Choice {
            method: settings.method,
            choose: settings.choose,
            also: settings.also.clone(),
            factor: settings.cluster_factor,
            seed: args.seed,
        },
        cap: Cap { before: before.parameters, share: settings.cap },
        iterations: settings.iterations,
        finetuning: Training {
            epochs: settings.finetune_epochs,
            rate: settings.finetune_rate,
            seed: args.seed,
            ..args.compute.training(&args.dataset, config, interrupt)?
        },
        target: Target::of(
            &args.target,
            config,
            args.compute.bin_dir.as_deref(),
            &args.out,
            interrupt,
        )?,
        earlier: EarlierReport(args.out.clone()),
    })
}

/// Makes the folder for the results and locks it.
fn prepare_out(args: &RunArgs) -> Result<File> {
    atomic::create_dir_all(&args.out)?;
    let lock = lock(&args.out)?;
    earlier::sweep(&args.out)?;
    training::check_ours(&args.out.join(scratch::FOLDER))?;
    let absolute = |path: &Path| {
        path.canonicalize().with_context(|| format!("{}: no such file", path.display()))
    };
    for input in [&args.network, &args.weights] {
        ensure!(
            !absolute(input)?.starts_with(absolute(&args.out)?),
            "{}: the results would be written over this; choose another --out",
            input.display()
        );
    }
    Ok(lock)
}

fn report(
    args: &RunArgs,
    settings: &PruningSettings,
    original: &Model,
    accuracy_before: f64,
    schedule: &Schedule,
    outcome: &Outcome,
) -> Result<PruneReport> {
    let before = counts::count(&original.network)?;
    let after = counts::count(&outcome.model.network)?;
    let measured = schedule.target.as_ref().map(|target| PruneMeasured {
        board: target.on_board.board.name.clone(),
        target: target.asked,
        crates: outcome.crates.clone(),
    });
    Ok(PruneReport {
        method: settings.method,
        choose: settings.choose,
        also: settings.also.clone(),
        seed: args.seed,
        cap: settings.cap,
        cluster_factor: settings.cluster_factor,
        iterations: settings.iterations,
        finetune_epochs: settings.finetune_epochs,
        finetune_rate: settings.finetune_rate,
        parameters_before: before.parameters,
        parameters_after: after.parameters,
        removed: schedule.cap.removed(after.parameters),
        macs_before: before.macs,
        macs_after: after.macs,
        accuracy_before,
        cap_reached: outcome.ended == PruneEnd::Cap,
        ended: outcome.ended,
        rounds: outcome.rounds.clone(),
        widths: widths(&original.network, &outcome.model.network),
        measured,
    })
}

fn widths(before: &Network, after: &Network) -> Vec<PruneWidth> {
    let mut widths = Vec::new();
    for (before, after) in before.nodes.iter().zip(&after.nodes) {
        if let (Op::Conv2d { out_channels: filters, .. }, Op::Conv2d { out_channels: left, .. }) =
            (before.op, after.op)
        {
            widths.push(PruneWidth {
                convolution: before.name.clone(),
                before: filters,
                after: left,
            });
        }
    }
    widths
}

fn summary(report: &PruneReport) -> Summary {
    let last = report.measured.as_ref().and_then(|measured| measured.crates.last());
    Summary {
        parameters_before: report.parameters_before,
        parameters_after: report.parameters_after,
        removed: report.removed,
        macs_before: report.macs_before,
        macs_after: report.macs_after,
        cap_reached: report.cap_reached,
        rounds: report.rounds.len(),
        accuracy: report.rounds.last().map_or(report.accuracy_before, |round| round.accuracy),
        latency_s: last.map(|last| last.latency_s),
        energy_j: last.and_then(|last| last.energy_j),
    }
}
