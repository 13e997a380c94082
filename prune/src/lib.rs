//! The `prune` stage: removes redundant filters from a trained network, in rounds of selection,
//! surgery and fine-tuning (paper, sections 4.2 and 5.3).
//!
//! In each round, [`prunable`] lists the convolutions that may lose filters, [`importance`] ranks
//! their filters, [`selection`] takes the least important ones within the cap, [`surgery`] removes
//! them from the graph and the weights, and [`training`] fine-tunes what is left by running the
//! `train` stage. [`schedule`] repeats this until the cap or a board's [`target`] is reached.

mod cli;
mod commands;

pub mod prunable;

pub mod importance;

pub mod selection;

pub mod model;
pub mod surgery;

pub mod training;

pub mod schedule;
pub mod target;

pub mod from_scratch;

pub mod comparison;
pub mod earlier_run;
mod report;

pub use cli::Args;

use anyhow::Result;
use cli::Command;

/// Runs the stage.
///
/// # Errors
/// Fails if an input is missing, damaged or does not fit the others, if a folder cannot be written,
/// if a training or a measurement fails, or if a target is not met; in the last case all files are
/// written.
pub fn run(args: Args) -> Result<()> {
    match args.command {
        Command::Run(args) => commands::run::run(&args),
        Command::Scratch(args) => commands::scratch::run(&args),
        Command::Figures(args) => commands::figures::run(&args),
    }
}
