//! `train`: trains and evaluates one network. See `train --help`.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = train::Args::parse();
    process::cli::main(option_env!("NEUROPOWER_COMMIT"), || train::run(args))
}
