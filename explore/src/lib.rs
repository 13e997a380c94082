//! The `explore` stage: SPEA-II over genomes (paper, sections 3.2 and 4.1).
//!
//! `moea` has pure functions over objective vectors; `novelty`, `forest`, `gaussian`,
//! `improvement`, `halving` and
//! `controller` are Algorithm 1 over genomes; `evaluator`, `table`, `checkpoint`, `winners`,
//! `figures` and `session` are the processes and files around it. `fidelity` studies what the short
//! trainings of a search are worth.

pub mod archive;
pub mod arena;
pub mod candidates;
pub mod checkpoint;
pub mod controller;
pub mod evaluator;
pub mod fidelity;
pub mod figures;
pub mod forest;
pub mod gaussian;
pub mod halving;
pub mod improvement;
pub mod moea;
pub mod novelty;
mod on_board;
pub mod progress;
pub mod scores;
pub mod session;
pub mod space_summary;
pub mod table;
pub mod winners;

mod board_args;
mod cli;
mod commands;
mod console;
mod search_args;
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
        Command::Select(args) => commands::select::run(&args),
        Command::Network(args) => commands::network::run(&args),
        Command::Fidelity(args) => commands::fidelity::run(args),
        Command::Space(args) => commands::space::run(&args),
    }
}
