//! `fetch-data`: places the files of a recipe (`pipelines/datasets/*.json`) in a folder that all
//! stages read, copies strangers' folders (`import`), and checks both.
//!
//! Existing files, placed by an earlier run or by hand, are kept; missing ones come from the
//! recipe's sources in their order. A file gets its name only once it is whole, unpacked and has
//! the right hash. `dataset.json` is written last: where it exists, the data set is complete.

mod cli;
mod commands;
mod content;
mod import;
mod interrupt;
mod note;
mod scratch;
mod source;
mod tool;

pub use cli::{Args, CheckArgs, Command, ConvertArgs, ImportArgs};

use anyhow::{Result, bail};

/// Runs the command of the arguments.
///
/// # Errors
/// Fails with the error of the command.
pub fn run(args: &Args) -> Result<()> {
    match (&args.command, &args.recipe, &args.out) {
        (Some(Command::Check(check)), ..) => commands::check::run(check),
        (Some(Command::Import(import)), ..) => commands::import::run(import),
        (Some(Command::Convert(convert)), ..) => commands::convert::run(convert),
        (None, Some(recipe), Some(out)) => commands::place::place(recipe, out),
        (None, ..) => bail!("--recipe and --out are needed"),
    }
}
