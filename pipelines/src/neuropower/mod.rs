//! The `neuropower` program: the pipeline and its stages as one command. A command of a stage is
//! done by the stage's own program, a target of the pipeline by make, in the current folder.

mod assignment;
mod cli;
mod exec;
mod places;

pub use cli::Args;

use crate::step;
use anyhow::{Result, ensure};
use cli::{Command, Stage, Target};
use std::ffi::OsString;

/// Does what the arguments ask for.
///
/// # Errors
/// Fails if a program that is needed for it is missing, or if it fails.
pub fn run(args: Args) -> Result<()> {
    let (stage, words) = match args.command {
        Command::Step(args) => return step::run(&args),
        Command::Pipeline(target) => return target.make("pipeline", args.volume),
        Command::Data(target) => return target.make("data", args.volume),
        Command::Choose(target) => return target.make("choose", args.volume),
        Command::PruneCompare(target) => return target.make("prune-compare", args.volume),
        Command::Clean(target) => return target.make("clean", args.volume),
        Command::Help(target) => return target.make("help", args.volume),
        Command::FetchData(Stage { words }) => ("fetch-data", words),
        Command::Explore(Stage { words }) => ("explore", words),
        Command::Train(Stage { words }) => ("train", words),
        Command::Prune(Stage { words }) => ("prune", words),
        Command::Codegen(Stage { words }) => ("codegen", words),
        Command::Measure(Stage { words }) => ("measure", words),
        Command::Report(Stage { words }) => ("report", words),
    };
    match Target::from_words(stage, &words) {
        Some(target) if stage != "fetch-data" => target.make(stage, args.volume),
        Some(_) | None => run_stage(stage, args.volume, &words),
    }
}

/// Runs a stage's own command.
fn run_stage(stage: &str, volume: cli::Volume, words: &[OsString]) -> Result<()> {
    ensure!(
        !volume.quiet && !volume.verbose,
        "--quiet and --verbose are for targets, as in neuropower --quiet pipeline; {stage} is called with options of its own"
    );
    exec::program(stage, words)
}
