//! The `neuropower` program: the pipeline and its stages as one command.

use crate::step::{self, StepArgs};
use anyhow::Result;
use clap::{Parser, Subcommand};

/// Designs convolutional networks for a board.
#[derive(Debug, Parser)]
#[command(name = "neuropower", version)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs one command of the pipeline for make, with a progress line and a log
    #[command(hide = true)]
    Step(StepArgs),
}

/// Does what the arguments ask for.
///
/// # Errors
/// Fails if that fails.
pub fn run(args: Args) -> Result<()> {
    match args.command {
        Command::Step(args) => step::run(&args),
    }
}
