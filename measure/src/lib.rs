//! The measure stage: builds a generated crate, runs its `bench` on a board, reads the board's
//! meter meanwhile, and records the latency and energy of one inference together with all raw
//! readings from which they are computed.

mod cli;
mod commands;

mod protocol;

mod meter;

mod runner;

mod comparison;
mod instructions;

mod board_files;
mod host;
mod interrupt;

mod reason;
mod shell;

#[cfg(test)]
mod fake_sysfs;

pub use cli::Args;

use anyhow::Result;
use cli::Command;

/// Executes the command that the arguments name.
///
/// # Errors
/// Fails if the command fails; the error says what, where and what to do.
pub fn run(args: &Args) -> Result<()> {
    match &args.command {
        Command::Run(args) => commands::run::run(args),
        Command::Boards(args) => commands::boards::run(args),
        Command::Compare(args) => commands::compare::run(args),
    }
}
