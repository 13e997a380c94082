//! The `explore` program.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = explore::Args::parse();
    common::stage::main(|| explore::run(args))
}
