//! `report --run DIR --format NAME`: prints the run's results in one of several forms.

use crate::report::cli::Format;
use crate::report::commands::page::Parts;
use crate::report::data::RunData;
use crate::report::formats;
use crate::report::run_folder::Run;
use anyhow::Result;
use process::cli::print_line;
use std::path::Path;

/// Prints the results; `pictures` is whether a page shows wrongly classified images.
///
/// # Errors
/// Fails if the folder is not a run, has a damaged file or no such baseline.
pub(crate) fn run(
    folder: &Path,
    format: Format,
    baseline: Option<&str>,
    pictures: bool,
) -> Result<()> {
    let run = Run::read(folder)?;
    let text = match format {
        Format::Json => formats::json(&RunData::of(&run))?,
        Format::Csv => formats::csv(&RunData::of(&run))?,
        Format::Markdown => formats::markdown(&RunData::of(&run)),
        Format::Html => Parts::read(folder, &run, baseline)?.page(&run, pictures),
    };
    print_line(text.trim_end())
}
