//! The `explore` stage: searches a design space of convolutional networks with SPEA-II over genomes
//! (paper, sections 3.2 and 4.1).
//!
//! `moea` has the algorithms over objective vectors, `surrogate` the models that predict errors,
//! `algorithm` Algorithm 1 over genes of any meaning, `evaluate` the ways in which a genome gets its
//! numbers, `search` the search of networks and its run, `choose` the choice of a network of a
//! finished run, `fidelity` the study of short trainings, `predictor` the prediction of latencies,
//! `prediction` what it reads and prints, `figures` the figures of a search.

mod board_args;
mod board_names;
mod board_setup;
mod choose;
mod choose_args;
mod cli;
mod commands;
mod engine_setup;
mod predict_args;
mod prediction;
mod search_args;

pub mod algorithm;
pub mod evaluate;
pub mod fidelity;
pub mod figures;
pub mod moea;
pub mod predictor;
pub mod search;
pub mod space_summary;
pub mod surrogate;

mod json_difference;
#[cfg(test)]
mod test_support;

use anyhow::Result;
pub use cli::Args;
use cli::Command;

/// Runs the command.
///
/// # Errors
/// Fails with a one-line message if the input is invalid, a training or measurement fails, or a
/// file cannot be written.
pub fn run(args: Args) -> Result<()> {
    match args.command {
        Command::Run(args) => commands::run::run(&args),
        Command::Choose(args) => commands::choose::run(&args),
        Command::Select(args) => commands::select::run(&args),
        Command::Network(args) => commands::network::run(&args),
        Command::Fidelity(args) => commands::fidelity::run(args),
        Command::Predict(args) => commands::predict::run(&args),
        Command::Space(args) => commands::space::run(&args),
    }
}
