//! One command of the pipeline, run for make: its progress on the terminal, its output in a log.

use anyhow::Result;
use std::path::PathBuf;

/// Options of `neuropower step`.
#[derive(Debug, clap::Args)]
pub struct StepArgs {
    /// Folder of the run, which has the log
    #[arg(long, value_name = "DIR")]
    pub run: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// Fails if the command cannot be started or fails.
pub fn run(_args: &StepArgs) -> Result<()> {
    Ok(())
}
