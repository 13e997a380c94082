//! `report --run DIR --out DIR`: writes the page and its figures, and prints the table.

use crate::report::data::RunData;
use crate::report::figures::Figure;
use crate::report::page::content::Content;
use crate::report::paper::Part;
use crate::report::provenance::Effort;
use crate::report::run_folder::Run;
use crate::report::table::Table;
use crate::report::{
    comparison, figures, images, int8, mcnemar, measurements, page, paper, results,
};
use anyhow::{Context, Result};
use common::files::atomic;
use plot::terminal_width;
use process::cli::print_line;
use std::io::stdout;
use std::path::Path;

/// Writes `index.html` and the figures, and prints the table of results. Without `pictures`, the
/// page shows no wrongly classified images.
///
/// # Errors
/// Fails if the folder is not a run, has a damaged file or no such baseline, or if the output
/// folder cannot be written to.
pub(crate) fn run(folder: &Path, out: &Path, baseline: Option<&str>, pictures: bool) -> Result<()> {
    let (run, parts) = write(folder, out, baseline, pictures)?;
    print_line(&text(&run, &parts, terminal_width(&stdout())))
}

/// Returns the tables, their explanations and warnings, for a terminal of a width, if one is given.
fn text(run: &Run, parts: &Parts, width: Option<usize>) -> String {
    let sentence = |text: &str| match width {
        Some(width) => plot::wrapped("", text, width),
        None => text.to_string(),
    };
    let explained =
        |table: &Table, hint: &str| format!("{}\n{}", table.to_text(width), sentence(hint));
    let int8 = Some(int8::table(run)).filter(|table| !table.is_empty());
    let warnings = [
        run.import.as_ref().and_then(images::left_out_warning),
        results::unfinished_warning(run),
        results::diverged_warning(run),
        results::data_warning(run),
        measurements::warnings(run),
    ];
    let paragraphs = [
        Some(run.title()),
        Some(results::table(run).to_text(width)),
        int8.map(|table| explained(&table, int8::hint())),
        parts.comparison.as_ref().map(|table| explained(table, comparison::hint())),
        parts.accuracies.as_ref().map(|table| explained(table, mcnemar::hint())),
    ];
    let warnings = warnings.into_iter().flatten().map(|warning| sentence(&warning));
    let all: Vec<String> = paragraphs.into_iter().flatten().chain(warnings).collect();
    all.join("\n\n")
}

/// Writes `index.html` and the figures; returns what they are made of.
///
/// # Errors
/// Fails as [`run`] does.
pub(crate) fn write(
    folder: &Path,
    out: &Path,
    baseline: Option<&str>,
    pictures: bool,
) -> Result<(Run, Parts)> {
    let run = Run::read(folder)?;
    let parts = Parts::read(folder, &run, baseline)?;
    for figure in parts.figures() {
        atomic::write(&out.join(figure.file), figure.svg.as_bytes())?;
    }
    atomic::write(&out.join("index.html"), parts.page(&run, pictures).as_bytes())?;
    Ok((run, parts))
}

/// What a page is made of besides the run: its numbers, figures and tables.
pub(crate) struct Parts {
    data: RunData,
    figures: Vec<Figure>,
    paper: Vec<Part>,
    effort: Effort,
    comparison: Option<Table>,
    accuracies: Option<Table>,
}

impl Parts {
    /// Draws the figures of a run and collects its numbers.
    ///
    /// # Errors
    /// Fails if there is no such baseline, if a file is damaged, or if a figure cannot be drawn.
    pub(super) fn read(folder: &Path, run: &Run, baseline: Option<&str>) -> Result<Parts> {
        Ok(Parts {
            comparison: baseline.map(|name| comparison::table(run, name)).transpose()?,
            accuracies: baseline
                .map(|name| mcnemar::table(run, name))
                .transpose()?
                .filter(|table| !table.is_empty()),
            figures: figures::draw(run).context("cannot draw the figures")?,
            paper: paper::parts(run, baseline)?,
            effort: Effort::read(folder)?,
            data: RunData::of(run),
        })
    }

    /// Returns all figures.
    fn figures(&self) -> impl Iterator<Item = &Figure> {
        self.figures.iter().chain(self.paper.iter().flat_map(|part| &part.figures))
    }

    /// Returns the page, with or without pictures of wrongly classified images.
    pub(super) fn page(&self, run: &Run, pictures: bool) -> String {
        page::render(&Content {
            run,
            data: &self.data,
            figures: &self.figures,
            paper: &self.paper,
            pictures,
            effort: &self.effort,
            comparison: self.comparison.as_ref(),
            accuracies: self.accuracies.as_ref(),
        })
    }
}
