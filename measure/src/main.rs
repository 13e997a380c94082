//! The `measure` binary; see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    process::cli::main(option_env!("NEUROPOWER_COMMIT"), None, |args| measure::run(&args))
}
