//! The `measure` binary; see the library.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = measure::Args::parse();
    process::cli::main(option_env!("NEUROPOWER_COMMIT"), || measure::run(&args))
}
