//! `search.json`: everything that decides what a search does.

use crate::board::Board;
use crate::dataset::Identity;
use crate::device::Backend;
use crate::files::json::Document;
use crate::network::template::Template;
use crate::profile::SearchSettings;
use crate::profile::TrainingSettings;
use crate::search::requirements::Requirements;
use crate::search::space::SearchSpace;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// `search.json`: everything that decides what a search does. Two searches with equal files give
/// equal archives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchConfig {
    /// Seed of the search and of every training in it.
    pub seed: u64,
    /// Name of the data set.
    pub dataset: String,
    /// The fingerprint of the data ([`Identity::sha256`]).
    pub data_sha256: String,
    /// Everything of the data that decides; missing in searches of versions that did not record it.
    #[serde(default)]
    pub data: Option<Identity>,
    /// The design space.
    pub space: SearchSpace,
    /// What the genes leave open.
    pub template: Template,
    /// Population, iterations, fidelity.
    pub search: SearchSettings,
    /// How candidates are trained, as in the profile.
    pub training: TrainingSettings,
    /// What kind of device they are trained on.
    #[serde(default)]
    pub device: Backend,
    /// The board that networks are measured on; `null` where nothing is.
    pub board: Option<Board>,
    /// What ends the search early.
    pub criteria: Requirements,
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
        self.criteria.check().context("criteria")
    }
}
