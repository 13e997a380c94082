//! The results of one way of pruning.

use crate::from_scratch;
use anyhow::Result;
use common::files::json;
use common::network::counts::network_information_density;
use common::prune_report::PruneReport;
use std::path::{Path, PathBuf};

/// One way of pruning: the contents of a folder of `prune run`.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name.
    pub label: String,
    /// Its report.
    pub report: PruneReport,
    /// Validation accuracy of the same structure trained from scratch, if there is such a training.
    pub from_scratch: Option<f64>,
}

impl Series {
    /// Reads folders. A series is named by its path, without the folder that contains all of them.
    ///
    /// # Errors
    /// Fails if a folder is not one of `prune run`, or if a file in it is damaged.
    pub fn read(folders: &[PathBuf]) -> Result<Vec<Series>> {
        let contains_all = |parent: &&Path| {
            folders.iter().all(|folder| folder.starts_with(parent) && folder != parent)
        };
        let parents = folders.first().into_iter().flat_map(|folder| folder.ancestors().skip(1));
        let parent = parents.into_iter().find(contains_all).unwrap_or(Path::new(""));
        let series = |folder: &PathBuf| {
            let report = json::read(&folder.join("prune.json"))?;
            let label = folder.strip_prefix(parent).unwrap_or(folder).display().to_string();
            Ok(Series { label, report, from_scratch: from_scratch::accuracy(folder)? })
        };
        folders.iter().map(series).collect()
    }

    /// Returns the removed share of the parameters and the validation accuracy, both in per cent,
    /// for the original and after each round.
    pub(super) fn points(&self, tuned: bool) -> Vec<(f64, f64)> {
        let rounds = self.report.rounds.iter();
        let points = rounds.map(|round| {
            (round.removed, if tuned { round.accuracy } else { round.accuracy_untuned })
        });
        let all = std::iter::once((0.0, self.report.accuracy_before)).chain(points);
        all.map(|(removed, accuracy)| (100.0 * removed, 100.0 * accuracy)).collect()
    }

    /// Replaces the accuracy of a point by the NID.
    pub(super) fn nid(&self, (removed, accuracy): (f64, f64)) -> (f64, f64) {
        let parameters = self.report.parameters_before as f64 * (1.0 - removed / 100.0);
        (removed, network_information_density(accuracy / 100.0, parameters.round() as u64))
    }
}
