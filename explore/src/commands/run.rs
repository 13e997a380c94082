//! `explore run`: searches a design space.

use crate::board_setup;
use crate::cli::{EvaluatorName, RunArgs};
use crate::engine_setup;
use crate::evaluate::evaluator::Evaluator;
use crate::evaluate::quantizer::Quantizer;
use crate::evaluate::table::TableEvaluator;
use crate::search::checkpoint::Resume;
use crate::search::run::{RunOptions, run as search};
use crate::search::state::SearchState;
use anyhow::{Result, bail};
use common::board::Board;
use common::dataset::Dataset;
use common::diagnostics;
use common::files::json;
use common::precision::Precision;
use common::profile::{ClusterSettings, Profile, SearchSettings};
use common::search::config::SearchConfig;
use process::cli::print_line;
use process::engine_args::EngineName;
use process::interrupt::Interrupt;
use process::programs::binary;
use serde::Serialize;
use std::collections::BTreeMap;

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
    let limits = limits(args)?;
    let boards = args.board_args.boards()?;
    board_setup::settle(limits, &mut profile.search, &boards)?;
    let criteria = std::mem::take(&mut profile.search.criteria);
    let (board, boards) = recorded(boards);
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
        board,
        boards,
        criteria,
    };
    let interrupt = Interrupt::catch(REMEDY)?;
    let (folder, bin_dir) = (&args.out, args.bin_dir.as_deref());
    let planners = board_setup::planners(&config, folder, bin_dir, interrupt)?;
    let targets = board_setup::targets(&args.board_args, &config, folder, bin_dir, interrupt)?;
    let evaluator = evaluator(args, &config, &profile.cluster, !targets.is_empty(), interrupt)?;
    let options = RunOptions {
        folder: &args.out,
        input: dataset.input(),
        classes: dataset.classes,
        evaluator,
        quantizer: quantizer(args, interrupt)?,
        planners,
        targets,
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

/// Returns settings with the limits and criteria of the command line alone.
fn limits(args: &RunArgs) -> Result<SearchSettings> {
    let criteria = args.board_args.criteria(args.min_accuracy)?;
    let mut limits = SearchSettings { criteria, ..SearchSettings::default() };
    args.search_args.set_memory_limits(&mut limits)?;
    Ok(limits)
}

/// Returns boards as a search records them: a single one, or several by name.
fn recorded(mut boards: Vec<Board>) -> (Option<Board>, BTreeMap<String, Board>) {
    match boards.len() {
        0 | 1 => (boards.pop(), BTreeMap::new()),
        _ => (None, boards.into_iter().map(|board| (board.name.clone(), board)).collect()),
    }
}

fn evaluator(
    args: &RunArgs,
    config: &SearchConfig,
    cluster: &ClusterSettings,
    measures: bool,
    interrupt: Interrupt,
) -> Result<Evaluator> {
    match &args.evaluator {
        EvaluatorName::Train => {
            let place = engine_setup::Place {
                program: binary("train", args.bin_dir.as_deref())?,
                dataset: args.dataset.clone(),
                profile: args.config.clone(),
                folder: args.out.clone(),
            };
            let trainer =
                engine_setup::trainer(place, &args.engine_args, args.workers, cluster, interrupt)?;
            Ok(Evaluator::Train(Box::new(trainer.on(args.device))))
        }
        EvaluatorName::Table(_) if args.engine_args.engine == EngineName::Slurm => bail!(
            "a table has nothing to train: leave out --engine slurm, or train with --evaluator train"
        ),
        EvaluatorName::Table(_) if measures => bail!(
            "a table has no networks to measure: leave out --board, or train with --evaluator train"
        ),
        EvaluatorName::Table(_) if !args.precision.is_f32() => bail!(
            "a table has no networks to quantize: leave out --precision {}, or train with \
             --evaluator train",
            args.precision
        ),
        EvaluatorName::Table(file) => Ok(Evaluator::Table(TableEvaluator::read(file, config)?)),
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
