//! `fetch-data`: from a recipe (`pipelines/datasets/*.json`) to a folder that every stage can read.
//!
//! Files that are there already, put by an earlier run or by hand, are kept; what is missing comes
//! from the recipe's sources in their order. A file appears under its name only whole, unpacked and
//! with the right hash, and `dataset.json` appears last, so that its presence says that the data
//! set is complete.

mod cli;
mod commands;
mod content;
mod interrupt;
mod note;
mod scratch;
mod source;
mod tool;

pub use cli::{Args, CheckArgs, Command};

use anyhow::{Result, bail};

/// Does what the arguments say.
///
/// # Errors
/// Fails with the error of the command.
pub fn run(args: &Args) -> Result<()> {
    match (&args.command, &args.recipe, &args.out) {
        (Some(Command::Check(check)), ..) => commands::check::run(check),
        (None, Some(recipe), Some(out)) => commands::place::place(recipe, out),
        (None, ..) => bail!("--recipe and --out are needed"),
    }
}
