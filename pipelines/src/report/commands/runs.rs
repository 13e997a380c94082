//! `report --run DIR --run DIR ... --out DIR`: compares the searches of several runs.

use crate::report::page::content::Section;
use crate::report::paper::{Scores, convergence};
use crate::report::run_folder::Run;
use crate::report::runs::{
    Found, best_within_sizes, differences, figure, overview, smallest_within_a_point, unfinished,
};
use crate::report::table::Table;
use crate::report::{page, paper::Part};
use anyhow::Result;
use common::files::atomic;
use plot::terminal_width;
use process::cli::print_line;
use std::io::stdout;
use std::path::{Path, PathBuf};

/// What the hypervolume is of.
const HYPERVOLUME: &str = "The hypervolume is the area that a front dominates, with the logarithm of the parameters scaled \
     to 0..1 by all completed candidates of these runs, and the validation error so that 1.05 is the worst error of \
     interest: 0.15 above the smallest one. The largest possible is 1.1025. It is comparable between the runs on this page only.";
/// What the accuracies are worth.
const SHORT: &str = "Accuracies are those of the search's short trainings on validation images; they rank candidates and say little \
     about what a network reaches when it is trained in full.";

/// Writes `index.html` and the figures, and prints the table of the runs.
///
/// # Errors
/// Fails if a folder is not a run or has a damaged file, if the runs are on different data, or if
/// the output folder cannot be written to.
pub(crate) fn run(folders: &[PathBuf], out: &Path) -> Result<()> {
    let runs: Vec<Run> = folders.iter().map(|folder| Run::read(folder)).collect::<Result<_>>()?;
    let found = Found::of_all(&runs)?;
    let (fronts, sizes) = (figure(&found)?, best_within_sizes(&found));
    let scores: Vec<Scores> =
        found.iter().map(|found| Scores::of(&found.name, &found.run.evaluations)).collect();
    let convergence = convergence(&scores)?;
    for figure in fronts.iter().chain(&convergence.figures) {
        atomic::write(&out.join(figure.file), figure.svg.as_bytes())?;
    }
    let overview = overview(&found);
    let text = overview.to_text(terminal_width(&stdout()));
    let mut notes: Vec<String> = found.iter().filter_map(unfinished).collect();
    notes.extend([HYPERVOLUME.to_string(), SHORT.to_string()]);
    let parts = [
        Part {
            title: "Fronts".into(),
            figures: fronts.into_iter().collect(),
            tables: vec![overview],
            notes,
        },
        table("Best validation accuracy within sizes", sizes),
        table("Smallest network within one point of the best", smallest_within_a_point(&found)),
        convergence,
        settings(&found)?,
    ];
    let sections: Vec<Section> =
        SECTIONS.into_iter().zip(&parts).map(|(id, part)| page::part_section(id, part)).collect();
    let title = "NeuroPower runs compared";
    let dataset = &found[0].search.dataset;
    let lead = format!("What {} searches found for the data set {dataset}.", found.len());
    atomic::write(&out.join("index.html"), page::plain(title, &lead, &sections).as_bytes())?;
    print_line(&format!("{title}\n\n{text}"))
}

/// Anchors of the parts.
const SECTIONS: [&str; 5] = ["fronts", "sizes", "smallest", "scores", "settings"];

fn table(title: &str, table: Table) -> Part {
    if table.is_empty() {
        return Part {
            title: title.into(),
            notes: vec!["No training was completed.".into()],
            ..Part::default()
        };
    }
    Part { title: title.into(), tables: vec![table], ..Part::default() }
}

fn settings(found: &[Found<'_>]) -> Result<Part> {
    let title = "Settings in which the searches differ".to_string();
    let mut titles = vec![("setting", false)];
    titles.extend(found.iter().map(|found| (found.name.as_str(), false)));
    let mut table = Table::new(titles);
    for (key, values) in differences(found)? {
        table.push([vec![Ok(key)], values.into_iter().map(Ok).collect()].concat());
    }
    if table.is_empty() {
        let same = "They have the same settings and the same seed.".to_string();
        return Ok(Part { title, notes: vec![same], ..Part::default() });
    }
    Ok(Part { title, tables: vec![table], ..Part::default() })
}
