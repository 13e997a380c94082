//! `report`: reads a run and writes its page, its figures and its table.

use clap::Parser;
use pipelines::report;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = report::Args::parse();
    process::cli::main(option_env!("NEUROPOWER_COMMIT"), || report::run(&args))
}
