//! `fetch-data`: places a data set's files from a recipe's sources.

use clap::Parser;
use pipelines::fetch;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = fetch::Args::parse();
    process::cli::main(option_env!("NEUROPOWER_COMMIT"), || fetch::run(&args))
}
