//! `fetch-data`: places a data set's files from a recipe's sources.

use pipelines::fetch;
use std::process::ExitCode;

fn main() -> ExitCode {
    process::cli::main(option_env!("NEUROPOWER_COMMIT"), None, |args| fetch::run(&args))
}
