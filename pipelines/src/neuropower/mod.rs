//! The `neuropower` program: the pipeline and its stages as one command. A command of a stage is
//! done by the stage's own program, a target of the pipeline by make, in the current folder.

mod assignment;
mod cli;
mod exec;
mod places;

pub use cli::Args;

use crate::{step, task};
use anyhow::Result;
use cli::{Command, Stage, Target};

/// Does what the arguments ask for.
///
/// # Errors
/// Fails if a program that is needed for it is missing, or if it fails.
pub fn run(args: Args) -> Result<()> {
    let (stage, words) = match args.command {
        Command::Step(args) => return step::run(&args),
        Command::Task(args) => return task::run(&args),
        Command::Pipeline(target) => return target.make("pipeline"),
        Command::Data(target) => return target.make("data"),
        Command::Choose(target) => return target.make("choose"),
        Command::PruneCompare(target) => return target.make("prune-compare"),
        Command::Clean(target) => return target.make("clean"),
        Command::Help(target) => return target.make("help"),
        Command::FetchData(Stage { words }) => ("fetch-data", words),
        Command::Explore(Stage { words }) => ("explore", words),
        Command::Train(Stage { words }) => ("train", words),
        Command::Prune(Stage { words }) => ("prune", words),
        Command::Codegen(Stage { words }) => ("codegen", words),
        Command::Measure(Stage { words }) => ("measure", words),
        Command::Report(Stage { words }) => ("report", words),
    };
    match Target::from_words(stage, &words) {
        Some(target) if stage != "fetch-data" => target.make(stage),
        Some(_) | None => exec::program(stage, &words),
    }
}
