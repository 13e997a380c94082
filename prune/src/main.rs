//! The `prune` binary.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = prune::Args::parse();
    process::cli::main(|| prune::run(args))
}
