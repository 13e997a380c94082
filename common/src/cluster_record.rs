//! What all tasks of a folder on a cluster have in common: `cluster/cluster.json`.

use crate::files::json::Document;
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// The file `cluster/cluster.json` of a folder whose trainings run on a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterRecord {
    /// Instructions that all trainings compute with, as `NEUROPOWER_KERNELS` names them. Others
    /// change the last bits of a result.
    pub kernels: String,
}

impl Document for ClusterRecord {
    const KIND: &'static str = "cluster";

    fn check(&self) -> Result<()> {
        let is_name = |name: &str| {
            (1..=40).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric())
        };
        ensure!(is_name(&self.kernels), "kernels {:?} must be letters and digits", self.kernels);
        Ok(())
    }
}
