//! The `train` stage: from a network and images to weights. The only crate that knows Candle.

pub mod augment;
pub mod average;
pub mod checkpoint;
pub mod device;
pub mod eval;
pub mod feed;
pub mod fit;
pub mod init;
pub mod memory;
pub mod model;
pub mod ops;
pub mod optimizer;
pub mod schedule;
pub mod state;
pub mod stock;
pub mod usage;

mod ahead;
mod commands;
mod figure;
mod plan;
mod progress;
mod update;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Trains and evaluates one network.
#[derive(Debug, Parser)]
#[command(
    name = "train",
    version,
    about,
    disable_help_subcommand = true,
    after_help = "Example:\n  train fit --genome pipelines/genomes/m-net-1.json --dataset data/mnist --out runs/x/m-net-1"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Trains a network; writes network.json, weights.safetensors and train.json to --out.
    Fit(commands::FitArgs),
    /// Writes the weights that a training would start from.
    Init(commands::InitArgs),
    /// Prints accuracy and loss of trained weights on a split, as JSON.
    Eval(commands::EvalArgs),
}

/// Runs one command.
///
/// # Errors
/// Bad input, or files that cannot be written; one line each.
pub fn run(args: Args) -> Result<()> {
    match args.command {
        Command::Fit(args) => commands::fit(args),
        Command::Init(args) => commands::init(&args),
        Command::Eval(args) => commands::eval(args),
    }
}
