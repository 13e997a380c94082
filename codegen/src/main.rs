//! The `codegen` binary.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = codegen::Args::parse();
    common::stage::main(|| codegen::run(&args))
}
