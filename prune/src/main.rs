//! The `prune` binary.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = prune::Args::parse();
    process::cli::main(option_env!("NEUROPOWER_COMMIT"), || prune::run(args))
}
