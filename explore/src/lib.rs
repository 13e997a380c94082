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
pub mod overview;
pub mod progress;
pub mod scores;
pub mod session;
pub mod table;
pub mod winners;

mod baselines;
mod commands;
mod demands;
mod overrides;
#[cfg(test)]
mod test_support;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Searches the design space for small and accurate networks.
#[derive(Debug, Parser)]
#[command(
    name = "explore",
    version,
    about,
    disable_help_subcommand = true,
    after_help = "Example:\n  explore run --config pipelines/profiles/smoke.json --dataset data/digits --out runs/x/explore"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Searches with SPEA-II; writes archive.json, evaluations.jsonl, individuals, figures and
    /// winners to --out
    Run(Box<commands::RunArgs>),
    /// Prints SPEA-II's environmental selection among given objective vectors, as JSON
    Select(commands::SelectArgs),
    /// Expands a genome or a baseline to its network; prints parameters and MACs, as JSON
    Network(commands::NetworkArgs),
    /// Trains genomes shortly and in full; prints how well short trainings rank them
    Fidelity(commands::FidelityArgs),
    /// Prints what the design space holds, as JSON
    Space(commands::SpaceArgs),
}

/// Runs one command.
///
/// # Errors
/// Bad input, failed trainings, or files that cannot be written; one line each.
pub fn run(args: Args) -> Result<()> {
    match args.command {
        Command::Run(args) => commands::run(*args),
        Command::Select(args) => commands::select(args),
        Command::Network(args) => commands::network(args),
        Command::Fidelity(args) => commands::fidelity(args),
        Command::Space(args) => commands::space(args),
    }
}
