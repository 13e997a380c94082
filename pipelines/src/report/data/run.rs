//! The numbers of a run.

use super::evaluation::Candidate;
use super::network::NetworkData;
use crate::report::run_folder::Run;
use serde::Serialize;

/// All numbers of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct RunData {
    /// Name of the run's folder.
    pub(crate) name: String,
    /// Name of the data set; `null` without a search.
    pub(crate) dataset: Option<String>,
    /// Boards that something was measured on, or that have crates of their own, by name.
    pub(crate) boards: Vec<String>,
    /// Networks that were trained in full, in the order of the tables.
    pub(crate) networks: Vec<NetworkData>,
    /// Evaluations of the search, in their order.
    pub(crate) evaluations: Vec<Candidate>,
    /// Board that the search measured on; `null` if it measured nothing, or on several.
    pub(crate) search_board: Option<String>,
    /// Boards that the search measured on, if they are several; left out otherwise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) search_boards: Vec<String>,
}

impl RunData {
    /// Collects the numbers of a run.
    pub(crate) fn of(run: &Run) -> RunData {
        let search = run.search.as_ref();
        RunData {
            name: run.name.clone(),
            dataset: search.map(|search| search.dataset.clone()),
            boards: run.boards_with_crates().into_iter().map(String::from).collect(),
            networks: run
                .variants()
                .map(|(winner, kind, variant)| NetworkData::of(run, winner, kind, variant))
                .collect(),
            evaluations: run
                .evaluations
                .iter()
                .map(|evaluation| Candidate::of(evaluation, run))
                .collect(),
            search_board: search
                .and_then(|search| search.board.as_ref())
                .map(|board| board.name.clone()),
            search_boards: search
                .map(|search| search.boards.keys().cloned().collect())
                .unwrap_or_default(),
        }
    }
}
