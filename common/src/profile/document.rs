//! A profile: one file with a section for each stage (`--config`). What it leaves out is as in the
//! paper, but for the method of pruning.

use crate::files::json::Document;
use crate::files::ranges::within;
use crate::network::template::Template;
use crate::profile::measurement::MeasurementSettings;
use crate::profile::pruning::PruningSettings;
use crate::profile::search::SearchSettings;
use crate::profile::training::TrainingSettings;
use crate::search::space::SearchSpace;
use anyhow::Result;
use serde::{Deserialize, Serialize};

/// `pipelines/profiles/*.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// What the profile is for, for people.
    pub about: String,
    /// The values of each gene.
    pub space: SearchSpace,
    /// What the genes leave open.
    pub template: Template,
    /// Population, iterations, fidelity.
    pub search: SearchSettings,
    /// How networks are trained.
    pub training: TrainingSettings,
    /// What happens to the winners.
    #[serde(rename = "final")]
    pub finals: FinalSettings,
    /// How they are pruned.
    pub pruning: PruningSettings,
    /// How they are measured.
    pub measurement: MeasurementSettings,
}

impl Document for Profile {
    const KIND: &'static str = "profile";

    fn check(&self) -> Result<()> {
        self.space.check()?;
        self.template.check()?;
        self.search.check()?;
        self.training.check()?;
        within("final.winners", self.finals.winners, &(1..=100))?;
        self.pruning.check()?;
        self.measurement.check()
    }
}

/// Section `final`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FinalSettings {
    /// How many individuals are trained in full, pruned and measured.
    pub winners: usize,
}

impl Default for FinalSettings {
    fn default() -> Self {
        FinalSettings { winners: 3 }
    }
}
