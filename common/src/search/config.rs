//! `search.json`: the configuration of a search.

use crate::board::Board;
use crate::dataset::Identity;
use crate::device::Backend;
use crate::files::json::Document;
use crate::network::template::Template;
use crate::precision::Precision;
use crate::profile::{SearchSettings, TrainingSettings};
use crate::search::accuracy_table::AccuracyTable;
use crate::search::criteria::Criteria;
use crate::search::space::SearchSpace;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The configuration of a search (`search.json`): everything that determines its result. Two
/// searches with equal files have equal archives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchConfig {
    /// Seed of the search and of every training in it.
    pub seed: u64,
    /// Name of the data set.
    pub dataset: String,
    /// Fingerprint of the data ([`Identity::sha256`]).
    pub data_sha256: String,
    /// Identity of the data set; missing in searches of versions that did not record it.
    #[serde(default)]
    pub data: Option<Identity>,
    /// Design space.
    pub space: SearchSpace,
    /// Template: everything that the genes leave open.
    pub template: Template,
    /// Settings of the search: population, iterations, length of trainings.
    pub search: SearchSettings,
    /// Settings of the candidates' trainings, as in the profile.
    pub training: TrainingSettings,
    /// Kind of device that candidates are trained on.
    #[serde(default)]
    pub device: Backend,
    /// Precision in which candidates are scored, planned and measured.
    #[serde(default)]
    pub precision: Precision,
    /// Board that networks are measured on; `null` if nothing is measured, or on several.
    pub board: Option<Board>,
    /// Boards by name, if there are several. Left out of files otherwise.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub boards: BTreeMap<String, Board>,
    /// Criteria that end the search early.
    pub criteria: Criteria,
}

impl Document for SearchConfig {
    const KIND: &'static str = "search";

    fn check(&self) -> Result<()> {
        self.data.iter().try_for_each(Identity::check).context("data")?;
        self.space.check()?;
        self.template.check()?;
        self.search.check()?;
        self.training.check()?;
        self.board.iter().try_for_each(Board::check).context("board")?;
        self.boards.values().try_for_each(Board::check).context("boards")?;
        ensure!(
            self.boards.iter().all(|(name, board)| *name == board.name),
            "boards: each key must be the name of its board"
        );
        ensure!(
            self.boards.is_empty() || self.board.is_none() && self.boards.len() > 1,
            "boards: these are for a search on several boards, whose board is null"
        );
        self.criteria.check().context("criteria")
    }
}

impl SearchConfig {
    /// Returns the configuration of a search that takes its evaluations from a table.
    pub fn from_table(table: &AccuracyTable, search: &SearchSettings, seed: u64) -> SearchConfig {
        SearchConfig {
            seed,
            dataset: table.dataset.clone(),
            data_sha256: table.data_sha256.clone(),
            data: None,
            space: table.space.clone(),
            template: table.template.clone(),
            search: search.clone(),
            training: table.training.clone(),
            device: Backend::Cpu,
            precision: Precision::F32,
            board: None,
            boards: BTreeMap::new(),
            criteria: Criteria::default(),
        }
    }

    /// Returns all boards, each with the name under which evaluations have what networks cost on
    /// it; `None` for the only board.
    pub fn all_boards(&self) -> impl Iterator<Item = (Option<&str>, &Board)> {
        let several = self.boards.iter().map(|(name, board)| (Some(name.as_str()), board));
        self.board.iter().map(|board| (None, board)).chain(several)
    }
}
