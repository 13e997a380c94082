//! What a network costs on a board.

use crate::files::ranges::{BYTES, ENERGY, LATENCY, PHYSICAL, all_within};
use anyhow::Result;
use serde::{Deserialize, Serialize};

/// What a network costs on one board of several, as far as it is known. What is not known is left
/// out of files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoardCosts {
    /// Bytes of working memory of its crate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arena_bytes: Option<u64>,
    /// Bytes of constants of its crate and, on a microcontroller, of code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flash_bytes: Option<u64>,
    /// Median time of one inference in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_s: Option<f64>,
    /// Median gross energy of one inference in joules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy_j: Option<f64>,
    /// Average gross power while inferences run, in watts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power_w: Option<f64>,
}

impl BoardCosts {
    /// Checks the ranges.
    ///
    /// # Errors
    /// Fails with the key of a value that is outside its range.
    pub fn check(&self) -> Result<()> {
        all_within("arena_bytes", self.arena_bytes, &BYTES)?;
        all_within("flash_bytes", self.flash_bytes, &BYTES)?;
        all_within("latency_s", self.latency_s, &LATENCY)?;
        all_within("energy_j", self.energy_j, &ENERGY)?;
        all_within("power_w", self.power_w, &PHYSICAL)
    }
}
