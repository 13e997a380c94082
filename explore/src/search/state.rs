//! The state of a search.

use common::search::archive::Archive;
use common::search::evaluation::Evaluation;

/// The evaluations and the archive of a search after an iteration.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchState {
    /// All evaluations, in order of iteration and index.
    pub evaluations: Vec<Evaluation>,
    /// The archive after the last finished iteration.
    pub archive: Archive,
}

impl SearchState {
    /// Returns the state of a search that has not begun.
    pub fn new() -> SearchState {
        let archive = Archive {
            iterations: 0,
            evaluations: 0,
            criteria_met_by: None,
            individuals: Vec::new(),
            dropped: Vec::new(),
        };
        SearchState { evaluations: Vec::new(), archive }
    }
}

impl Default for SearchState {
    fn default() -> Self {
        SearchState::new()
    }
}
