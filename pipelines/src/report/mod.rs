//! `report`: from a run's folder to a page (`index.html`), its figures as SVG files, and a table on
//! stdout.
//!
//! Everything comes from the run's files; nothing is computed twice. What a run does not have yet
//! shows as `-` with the reason; a file that is there but damaged is an error.

mod cli;
mod commands;
mod comparison;
mod figures;
mod html;
mod measurements;
mod page;
mod results;
mod run_folder;
mod settings;
mod table;
mod units;

pub use cli::{Args, Command, QueryArgs, Question};

use anyhow::{Result, bail};

/// Does what the arguments say.
///
/// # Errors
/// Fails with the error of the command.
pub fn run(args: &Args) -> Result<()> {
    match (&args.command, &args.run, &args.out) {
        (Some(Command::Query(query)), ..) => commands::query::run(query),
        (None, Some(run), Some(out)) => commands::page::run(run, out, args.baseline.as_deref()),
        (None, ..) => bail!("--run and --out are needed"),
    }
}
