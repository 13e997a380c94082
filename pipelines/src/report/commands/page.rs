//! `report --run DIR --out DIR`: writes the page and its figures, and prints the table.

use crate::report::data::RunData;
use crate::report::page::content::Content;
use crate::report::run_folder::Run;
use crate::report::{comparison, figures, images, int8, measurements, page, results};
use anyhow::{Context, Result};
use common::files::atomic;
use process::cli::print_line;
use std::path::Path;

/// Writes `index.html` and the figures, and prints the table of results. Without `pictures`, the
/// page shows no wrongly classified images.
///
/// # Errors
/// Fails if the folder is not a run, has a damaged file or no such baseline, or if the output
/// folder cannot be written to.
pub(crate) fn run(folder: &Path, out: &Path, baseline: Option<&str>, pictures: bool) -> Result<()> {
    let run = Run::read(folder)?;
    let comparison = baseline.map(|name| comparison::table(&run, name)).transpose()?;
    let figures = figures::draw(&run).context("cannot draw the figures")?;
    for figure in &figures {
        atomic::write(&out.join(figure.file), figure.svg.as_bytes())?;
    }
    let content = Content {
        run: &run,
        data: &RunData::of(&run),
        figures: &figures,
        comparison: comparison.as_ref(),
        pictures,
    };
    atomic::write(&out.join("index.html"), page::render(&content).as_bytes())?;
    let warnings = [
        run.import.as_ref().and_then(images::left_out_warning),
        results::unfinished_warning(&run),
        results::diverged_warning(&run),
        results::data_warning(&run),
        measurements::warnings(&run),
    ]
    .into_iter()
    .flatten();
    let warnings: String = warnings.map(|warning| format!("\n\n{warning}")).collect();
    let int8 = int8::table(&run);
    let int8 = match int8.is_empty() {
        true => String::new(),
        false => format!("\n\n{}\n{}", int8.to_text(), int8::hint()),
    };
    let compared = comparison.map_or_else(String::new, |table| {
        format!("\n\n{}\n{}", table.to_text(), comparison::hint())
    });
    print_line(&format!(
        "{}\n\n{}{int8}{compared}{warnings}",
        run.title(),
        results::table(&run).to_text()
    ))
}
