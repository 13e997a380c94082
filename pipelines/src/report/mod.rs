//! `report`: writes a page (`index.html`) and figures (SVG files) from a run's folder, and prints a
//! table.
//!
//! All numbers come from the run's files. A value that a run does not have yet is shown as `-` with
//! the reason; a damaged file is an error.

mod cli;
mod commands;
mod comparison;
mod data;
mod figures;
mod files;
mod html;
mod images;
mod int8;
mod mcnemar;
mod measurements;
mod memory_plan;
mod network;
mod page;
mod paper;
mod pruning;
mod results;
mod run_folder;
mod settings;
mod table;
mod units;
mod variant;
mod winner;

pub use cli::{Args, Command, QueryArgs, Question};

use anyhow::{Result, bail};

/// Runs the command of the arguments.
///
/// # Errors
/// Fails with the error of the command.
pub fn run(args: &Args) -> Result<()> {
    match (&args.command, &args.run, &args.out) {
        (Some(Command::Query(query)), ..) => commands::query::run(query),
        (None, Some(run), Some(out)) => {
            commands::page::run(run, out, args.baseline.as_deref(), !args.no_images)
        }
        (None, ..) => bail!("--run and --out are needed"),
    }
}
