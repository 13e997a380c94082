//! A part of the section: one of the paper's tables or figures, for this run.

use crate::report::figures::Figure;
use crate::report::table::Table;

/// One of the paper's tables or figures.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// Its name in the paper and what it shows.
    pub(crate) title: String,
    pub(crate) figures: Vec<Figure>,
    pub(crate) tables: Vec<Table>,
    /// Sentences that explain it, or say what is missing.
    pub(crate) notes: Vec<String>,
}

impl Part {
    /// Returns a part that has only a reason why there is nothing to show.
    pub(super) fn missing(title: impl Into<String>, reason: impl Into<String>) -> Part {
        Part { title: title.into(), notes: vec![reason.into()], ..Part::default() }
    }
}
