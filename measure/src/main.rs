//! The `measure` binary; see the library.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = measure::Args::parse();
    process::cli::main(|| measure::run(&args))
}
