//! `report`: from a run's folder to a page (`index.html`), its figures as SVG files, and a table on
//! stdout.
//!
//! Everything comes from the run's files; nothing is computed twice. What a run does not have yet
//! shows as `-` with the reason; a file that is there but damaged is an error.

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

use anyhow::{Context, Result};
use clap::Parser;
use common::{atomic, stage};
use run_folder::Run;
use std::path::PathBuf;

/// Reads a run and writes its page and figures; prints its table.
#[derive(Debug, Parser)]
#[command(
    name = "report",
    version,
    after_help = "Example:\n  report --run runs/digits-smoke --out runs/digits-smoke/report"
)]
pub struct Args {
    /// The run's folder.
    #[arg(long, value_name = "DIR")]
    pub run: PathBuf,
    /// Where index.html and the figures go.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Compare all networks with this one: `1/dense`, `2/pruned`, the name of a crate, or of a
    /// folder in `baselines`.
    #[arg(long, value_name = "NAME")]
    pub baseline: Option<String>,
}

/// Writes `index.html` and the figures, and prints the table of results.
///
/// # Errors
/// A folder that is not a run, a damaged file in it, a baseline that is not in it, or an output
/// folder that cannot be written to.
pub fn run(args: &Args) -> Result<()> {
    let run = Run::read(&args.run)?;
    let comparison =
        args.baseline.as_deref().map(|name| comparison::table(&run, name)).transpose()?;
    let figures = figures::draw(&run).context("cannot draw the figures")?;
    for figure in &figures {
        atomic::write(&args.out.join(figure.file), figure.svg.as_bytes())?;
    }
    atomic::write(
        &args.out.join("index.html"),
        page::render(&run, &figures, comparison.as_ref()).as_bytes(),
    )?;
    let cautions = [results::caution(&run), results::other_data(&run), measurements::caution(&run)]
        .into_iter()
        .flatten();
    let caution: String = cautions.map(|caution| format!("\n\n{caution}")).collect();
    let compared = comparison.map_or_else(String::new, |table| {
        format!("\n\n{}\n{}", table.to_text(), comparison::hint())
    });
    stage::print_line(&format!(
        "{}\n\n{}{compared}{caution}",
        run.title(),
        results::table(&run).to_text()
    ))
}
