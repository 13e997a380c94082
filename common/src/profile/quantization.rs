//! Section `quantization` of a profile.

use crate::files::ranges::{SHARE, within};
use crate::precision::Precisions;
use anyhow::Result;
use serde::{Deserialize, Serialize};

/// The section `quantization` of a profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuantizationSettings {
    /// The largest loss of validation accuracy (0..1) with which an int8 network is written.
    pub max_loss: f64,
    /// The precisions in which the pipeline generates and measures networks.
    pub precision: Precisions,
}

impl Default for QuantizationSettings {
    fn default() -> Self {
        QuantizationSettings { max_loss: 0.005, precision: Precisions::Both }
    }
}

impl QuantizationSettings {
    /// Checks the ranges of all fields.
    ///
    /// # Errors
    /// Fails with the field that is outside its range.
    pub fn check(&self) -> Result<()> {
        within("quantization.max_loss", self.max_loss, &SHARE)
    }
}
