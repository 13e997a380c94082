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
mod formats;
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

pub use cli::{Args, Command, Format, QueryArgs, Question};

use anyhow::{Result, bail};

/// Runs the command of the arguments.
///
/// # Errors
/// Fails with the error of the command.
pub fn run(args: &Args) -> Result<()> {
    let baseline = args.baseline.as_deref();
    if let Some(Command::Query(query)) = &args.command {
        return commands::query::run(query);
    }
    match (&args.run, &args.out, args.format) {
        (Some(run), None, Some(format)) => commands::format::run(run, format, baseline),
        (Some(run), Some(out), _) => commands::page::run(run, out, baseline, !args.no_images),
        (..) => bail!("--run and --out are needed"),
    }
}
