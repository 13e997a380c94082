//! `prune run`: rounds of pruning and fine-tuning, and the files that tell of them.

use crate::cli::RunArgs;
use crate::comparison::{Series, figures};
use crate::earlier_run::{self, EarlierReport};
use crate::from_scratch;
use crate::model::Model;
use crate::report::{self, Summary};
use crate::schedule::{self, Outcome, Schedule};
use crate::selection::{Cap, Selection};
use crate::target::Target;
use crate::training::{self, Training};
use anyhow::{Context, Result, bail, ensure};
use common::diagnostics::say;
use common::files::{atomic, json};
use common::network::counts;
use common::profile::{Profile, PruningSettings};
use common::prune_report::{PruneCrate, PruneEnd, PruneMeasured, PruneReport};
use process::cli::print_line;
use process::interrupt::Interrupt;
use process::lock::lock;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Prunes the network, writes all files and prints the summary.
///
/// # Errors
/// Fails if an input is missing, damaged or does not fit the others, if the folder cannot be
/// written or is in use, if a fine-tuning or measurement fails, or if the target is not met.
pub(crate) fn run(args: &RunArgs) -> Result<()> {
    let settings = settings(args)?;
    let model = Model::read(&args.network, &args.weights, &args.dataset)?;
    let schedule = schedule(args, &settings, &model)?;
    let _lock = prepare_out(args)?;
    let rounds = args.out.join("rounds");
    atomic::create_dir_all(&rounds)?;
    let original = measure_original(args, &schedule)?;
    let accuracy_before = schedule
        .finetuning
        .score(&args.network, &args.weights, &rounds.join("original.json"))
        .context("the network as it is")?;
    let outcome = schedule::run(&schedule, model.clone(), original, &rounds)?;
    let report = report::report(&settings, &schedule, &model, accuracy_before, &outcome)?;
    write(&args.out, &schedule, &outcome, &report)?;
    print_line(&serde_json::to_string(&Summary::of(&report))?)?;
    report_end(&report, &args.out)
}

/// Returns the settings of the profile, replaced by the options that are given.
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

fn schedule(args: &RunArgs, settings: &PruningSettings, model: &Model) -> Result<Schedule> {
    let parameters = counts::count(&model.network)?.parameters;
    let (config, bin_dir) = (args.config.as_deref(), args.compute.bin_dir.as_deref());
    let interrupt = Interrupt::catch(training::REMEDY)?;
    Ok(Schedule {
        selection: Selection {
            method: settings.method,
            allocation: settings.choose,
            also: settings.also.clone(),
            cluster_factor: settings.cluster_factor,
            seed: args.seed,
        },
        cap: Cap { before: parameters, share: settings.cap },
        iterations: settings.iterations,
        finetuning: Training {
            epochs: settings.finetune_epochs,
            learning_rate_scale: settings.finetune_rate,
            seed: args.seed,
            threads: args.compute.threads,
            device: args.compute.device,
            ..Training::new(bin_dir, &args.dataset, config, interrupt)?
        },
        target: Target::new(&args.board_args, config, bin_dir, &args.out, interrupt)?,
        earlier: EarlierReport(args.out.clone()),
    })
}

/// Creates and locks the folder for the results, and removes what a killed run was writing there.
fn prepare_out(args: &RunArgs) -> Result<File> {
    atomic::create_dir_all(&args.out)?;
    let lock = lock(&args.out)?;
    earlier_run::sweep(&args.out)?;
    training::check_folder(&args.out.join(from_scratch::FOLDER))?;
    let out = canonical(&args.out)?;
    for input in [&args.network, &args.weights] {
        ensure!(
            !canonical(input)?.starts_with(&out),
            "{}: the results would be written over this; choose another --out",
            input.display()
        );
    }
    Ok(lock)
}

fn canonical(path: &Path) -> Result<PathBuf> {
    path.canonicalize().with_context(|| format!("{}: no such file", path.display()))
}

/// Measures the network before any training, if there is a board.
fn measure_original(args: &RunArgs, schedule: &Schedule) -> Result<Option<PruneCrate>> {
    let Some(target) = &schedule.target else { return Ok(None) };
    let measured = target.measure(&args.network, &args.weights, "original");
    measured.map(Some).context("the network as it is, before any training")
}

/// Writes the results; `prune.json` comes last, since it describes the others.
fn write(out: &Path, schedule: &Schedule, outcome: &Outcome, report: &PruneReport) -> Result<()> {
    let Model { network, weights } = &outcome.model;
    from_scratch::remove_if_outdated(network, report, out)?;
    schedule.earlier.replace("network.json", json::to_text(network)?.as_bytes())?;
    schedule.earlier.replace("weights.safetensors", &weights.to_bytes()?)?;
    let label = report.method.name().to_string();
    figures::write(&[Series { label, report: report.clone(), from_scratch: None }], out)?;
    json::write(&out.join("prune.json"), report)
}

/// Prints what was not reached. A cap that is not reached is a note, since it is a limit.
///
/// # Errors
/// Fails if the target is not met.
fn report_end(report: &PruneReport, out: &Path) -> Result<()> {
    let nothing = report.rounds.is_empty();
    match report.ended {
        PruneEnd::Cap if nothing => {
            say(&format!("nothing is pruned: {} of {}", report.ended, report.cap));
        }
        PruneEnd::Target if nothing => {
            say("nothing is pruned: the network meets the target as it is");
        }
        PruneEnd::Cap | PruneEnd::Target => {}
        PruneEnd::Iterations | PruneEnd::Filters => {
            say(&format!("the cap of {} is not reached: {}", report.cap, report.ended));
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
