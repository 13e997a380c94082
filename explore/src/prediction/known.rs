//! Networks, measured or not.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What is known of networks, by their files.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Measured values; `None` for networks that were not measured.
    values: BTreeMap<PathBuf, Option<f64>>,
}

impl Known {
    /// Adds a measured network.
    pub(crate) fn add_measured(&mut self, network: PathBuf, value: f64) {
        self.values.insert(network, Some(value));
    }

    /// Adds a network; a value that is known stays.
    pub(crate) fn add(&mut self, network: PathBuf) {
        self.values.entry(network).or_default();
    }

    /// Returns the measured networks with their values.
    pub(crate) fn measured(&self) -> Vec<(&PathBuf, f64)> {
        self.values.iter().filter_map(|(path, value)| Some((path, (*value)?))).collect()
    }

    /// Returns the networks that were not measured.
    pub(crate) fn unmeasured(&self) -> Vec<&PathBuf> {
        self.values.iter().filter(|(_, value)| value.is_none()).map(|(path, _)| path).collect()
    }
}
