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
mod provenance;
mod pruning;
mod results;
mod run_folder;
mod runs;
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
    let (baseline, pictures) = (args.baseline.as_deref(), !args.no_images);
    if let Some(Command::Query(query)) = &args.command {
        return commands::query::run(query);
    }
    match (&args.run[..], &args.out, args.format) {
        ([run], None, Some(format)) => commands::format::run(run, format, baseline, pictures),
        ([run], Some(out), Some(format)) => {
            commands::page::write(run, out, baseline, pictures)?;
            commands::format::run(run, format, baseline, pictures)
        }
        ([run], Some(out), None) => commands::page::run(run, out, baseline, pictures),
        ([_, _, ..], Some(out), _) if baseline.is_none() => commands::runs::run(&args.run, out),
        ([_, _, ..], Some(_), _) => {
            bail!("--baseline takes one --run: name one run, or leave it out")
        }
        ([_, _, ..], None, Some(_)) => {
            bail!("--format takes one --run: print one run after the other")
        }
        ([] | [_, ..], ..) => bail!("--run and --out are needed"),
    }
}
