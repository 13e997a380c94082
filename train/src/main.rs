//! `train`: trains and evaluates one network. See `train --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    process::cli::main(option_env!("NEUROPOWER_COMMIT"), Some(train::kernels()), train::run)
}
