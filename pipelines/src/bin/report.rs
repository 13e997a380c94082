//! `report`: reads a run and writes its page, its figures and its table.

use pipelines::report;
use std::process::ExitCode;

fn main() -> ExitCode {
    process::cli::main(option_env!("NEUROPOWER_COMMIT"), None, |args| report::run(&args))
}
