//! `neuropower`: the pipeline and its stages as one command.

use pipelines::neuropower;
use std::process::ExitCode;

fn main() -> ExitCode {
    process::cli::main(option_env!("NEUROPOWER_COMMIT"), None, neuropower::run)
}
