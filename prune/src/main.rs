//! The `prune` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    process::cli::main(option_env!("NEUROPOWER_COMMIT"), None, prune::run)
}
