//! The `measure` binary; see the library.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = measure::Args::parse();
    common::stage::main(|| measure::run(&args))
}
