//! What sections are made of, and what a section is.

use crate::report::data::RunData;
use crate::report::figures::Figure;
use crate::report::paper::Part;
use crate::report::provenance::Effort;
use crate::report::run_folder::Run;
use crate::report::table::Table;
use maud::Markup;

/// Everything that sections are made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Content<'a> {
    pub(crate) run: &'a Run,
    /// The numbers of the run, which the page's script reads too.
    pub(crate) data: &'a RunData,
    pub(crate) figures: &'a [Figure],
    /// The paper's tables and figures.
    pub(crate) paper: &'a [Part],
    /// The time that the run's trainings took.
    pub(crate) effort: &'a Effort,
    /// The comparison with a baseline, if one is asked for.
    pub(crate) comparison: Option<&'a Table>,
    /// Whether pictures of wrongly classified images are shown.
    pub(crate) pictures: bool,
    /// The accuracies beside that of the baseline, if both are known.
    pub(crate) accuracies: Option<&'a Table>,
}

/// A section of the page.
#[derive(Debug)]
pub(crate) struct Section {
    /// Its anchor.
    pub(crate) id: &'static str,
    pub(crate) title: String,
    pub(crate) markup: Markup,
}

impl Section {
    /// Makes a section of its anchor, its title and what stands below the title.
    pub(crate) fn new(id: &'static str, title: impl Into<String>, markup: Markup) -> Section {
        Section { id, title: title.into(), markup }
    }
}
