//! The `explore` program.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = explore::Args::parse();
    process::cli::main(option_env!("NEUROPOWER_COMMIT"), || explore::run(args))
}
