//! The profile as a whole: one file with a section for each stage (`--config`). Missing settings
//! are those of the paper, except the method of pruning.

use crate::files::json::Document;
use crate::network::template::Template;
use crate::profile::cluster::ClusterSettings;
use crate::profile::finals::FinalSettings;
use crate::profile::measurement::MeasurementSettings;
use crate::profile::pruning::PruningSettings;
use crate::profile::quantization::QuantizationSettings;
use crate::profile::search::SearchSettings;
use crate::profile::training::TrainingSettings;
use crate::search::space::SearchSpace;
use anyhow::Result;
use serde::{Deserialize, Serialize};

/// A profile, as in `pipelines/profiles/*.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// Purpose of the profile, for people.
    pub about: String,
    /// Design space: the values of each gene.
    pub space: SearchSpace,
    /// Template: everything that the genes leave open.
    pub template: Template,
    /// Settings of the search: population, iterations, length of trainings.
    pub search: SearchSettings,
    /// Settings of trainings.
    pub training: TrainingSettings,
    /// Settings of the winners' final training.
    #[serde(rename = "final")]
    pub finals: FinalSettings,
    /// Settings of pruning.
    pub pruning: PruningSettings,
    /// Settings of int8 networks.
    pub quantization: QuantizationSettings,
    /// Settings of measurements.
    pub measurement: MeasurementSettings,
    /// Settings of tasks on a cluster.
    pub cluster: ClusterSettings,
}

impl Document for Profile {
    const KIND: &'static str = "profile";

    fn check(&self) -> Result<()> {
        self.space.check()?;
        self.template.check()?;
        self.search.check()?;
        self.training.check()?;
        self.finals.check()?;
        self.pruning.check()?;
        self.quantization.check()?;
        self.measurement.check()?;
        self.cluster.check()
    }
}
