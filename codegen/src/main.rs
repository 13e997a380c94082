//! The `codegen` binary.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = codegen::Args::parse();
    process::cli::main(option_env!("NEUROPOWER_COMMIT"), || codegen::run(&args))
}
