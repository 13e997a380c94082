//! `explore run`: searches a design space.

use crate::board_setup;
use crate::cli::{Engine, EvaluatorName, RunArgs};
use crate::evaluate::evaluator::Evaluator;
use crate::evaluate::quantizer::Quantizer;
use crate::evaluate::table::TableEvaluator;
use crate::evaluate::trainer::Trainer;
use crate::search::checkpoint::Resume;
use crate::search::run::{RunOptions, run as search};
use crate::search::state::SearchState;
use anyhow::{Context, Result, bail};
use common::dataset::Dataset;
use common::diagnostics;
use common::files::json;
use common::precision::Precision;
use common::profile::Profile;
use common::search::config::SearchConfig;
use common::search::requirements::Requirements;
use process::cli::print_line;
use process::interrupt::Interrupt;
use process::programs::binary;
use serde::Serialize;

/// The advice in the error of an interrupted run: its finished parts are kept.
const REMEDY: &str = "what is finished is kept, and --resume goes on from there";

/// The result that is printed.
#[derive(Debug, Serialize)]
struct Summary {
    iterations: usize,
    evaluations: usize,
    failed: usize,
    archive: usize,
    front: usize,
    /// Highest accuracy of the trainings in full.
    best_accuracy: Option<f64>,
    /// The individual that meets all criteria.
    criteria_met_by: Option<String>,
}

pub(crate) fn run(args: &RunArgs) -> Result<()> {
    let mut profile: Profile = json::read(&args.config)?;
    args.search_args
        .apply(&mut profile.search)?
        .iter()
        .for_each(|sentence| diagnostics::say(sentence));
    profile.search.check()?;
    let required = required(args)?;
    let board = board_setup::board(&args.board_args, &required, &profile.search)?;
    let criteria = required.or(&std::mem::take(&mut profile.search.criteria));
    let dataset = Dataset::describe(&args.dataset)?;
    let finals = profile.finals;
    let identity = Dataset::load_training_set(&args.dataset)?.identity;
    let config = SearchConfig {
        seed: args.seed,
        dataset: dataset.name.clone(),
        data_sha256: identity.sha256(),
        data: Some(identity),
        space: profile.space,
        template: profile.template,
        search: profile.search,
        training: profile.training,
        device: args.device.backend(),
        precision: args.precision,
        board: board.clone(),
        criteria,
    };
    let interrupt = Interrupt::catch(REMEDY)?;
    let (settings, bin_dir) = (&config.search, args.bin_dir.as_deref());
    let (folder, precision) = (&args.out, args.precision);
    let planner = board_setup::memory_planner(
        board.as_ref(),
        settings,
        precision,
        folder,
        bin_dir,
        interrupt,
    )?;
    let deployer = board_setup::deployer(
        &args.board_args,
        board,
        &config.criteria,
        settings,
        folder,
        bin_dir,
        interrupt,
    )?;
    let evaluator = evaluator(args, &config, deployer.is_some(), interrupt)?;
    let options = RunOptions {
        folder: &args.out,
        input: dataset.input(),
        classes: dataset.classes,
        evaluator,
        quantizer: quantizer(args, interrupt)?,
        planner,
        deployer,
        resume: resume(args),
        finals,
    };
    print_summary(search(&config, &options)?)
}

/// Returns what to do with a search that the folder contains.
fn resume(args: &RunArgs) -> Resume {
    match (args.resume, args.search_args.iterations) {
        (false, _) => Resume::Never,
        (true, None) => Resume::AsBegun,
        (true, Some(_)) => Resume::ToIterations,
    }
}

/// Returns the criteria of the command line.
fn required(args: &RunArgs) -> Result<Requirements> {
    let others = args.board_args.requirements(args.min_accuracy)?;
    let required = Requirements { max_power_w: args.max_power_w, ..others };
    required.check().context("the requirements")?;
    Ok(required)
}

fn evaluator(
    args: &RunArgs,
    config: &SearchConfig,
    measures: bool,
    interrupt: Interrupt,
) -> Result<Evaluator> {
    match (&args.evaluator, args.engine) {
        (EvaluatorName::Train, Engine::Local) => {
            let trainer = Trainer::new(
                binary("train", args.bin_dir.as_deref())?,
                args.dataset.clone(),
                args.config.clone(),
                args.out.clone(),
                args.workers,
                interrupt,
            );
            Ok(Evaluator::Train(trainer.on(args.device)))
        }
        (EvaluatorName::Table(_), Engine::Local) if measures => bail!(
            "a table has no networks to measure: leave out --board, or train with --evaluator train"
        ),
        (EvaluatorName::Table(_), Engine::Local) if !args.precision.is_f32() => bail!(
            "a table has no networks to quantize: leave out --precision {}, or train with \
             --evaluator train",
            args.precision
        ),
        (EvaluatorName::Table(file), Engine::Local) => {
            Ok(Evaluator::Table(TableEvaluator::read(file, config)?))
        }
    }
}

/// Returns what makes candidates' int8 forms; `None` for a search in f32.
fn quantizer(args: &RunArgs, interrupt: Interrupt) -> Result<Option<Quantizer>> {
    match args.precision {
        Precision::F32 => Ok(None),
        Precision::Int8 => {
            let program = binary("train", args.bin_dir.as_deref())?;
            let (dataset, folder) = (args.dataset.clone(), args.out.clone());
            Ok(Some(Quantizer::new(program, dataset, folder, interrupt)))
        }
    }
}

fn print_summary(SearchState { evaluations, archive }: SearchState) -> Result<()> {
    let in_full = evaluations.iter().filter(|evaluation| evaluation.is_fully_trained());
    let failed = evaluations.iter().filter(|evaluation| evaluation.accuracy.is_none());
    let front = archive.individuals.iter().filter(|individual| individual.on_front);
    let summary = Summary {
        iterations: archive.iterations,
        evaluations: evaluations.len(),
        failed: failed.count(),
        archive: archive.individuals.len(),
        front: front.count(),
        best_accuracy: in_full.filter_map(|evaluation| evaluation.accuracy).reduce(f64::max),
        criteria_met_by: archive.criteria_met_by,
    };
    print_line(&serde_json::to_string(&summary)?)
}
