//! `neuropower`: the pipeline and its stages as one command.

use clap::Parser;
use pipelines::neuropower;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = neuropower::Args::parse();
    process::cli::main(option_env!("NEUROPOWER_COMMIT"), || neuropower::run(args))
}
