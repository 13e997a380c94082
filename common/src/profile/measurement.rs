//! Section `measurement` of a profile.

use crate::files::ranges::within;
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// The section `measurement` of a profile. The default is a full measurement; a shorter one is
/// marked `short` in its record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MeasurementSettings {
    /// Length of each of the two idle readings, before and after the windows, in seconds.
    pub idle_s: f64,
    /// Maximum length of the warm-up, in seconds.
    pub warmup_s: f64,
    /// Number of windows.
    pub windows: usize,
    /// Length of each window, in seconds.
    pub window_s: f64,
}

impl Default for MeasurementSettings {
    fn default() -> Self {
        MeasurementSettings { idle_s: 10.0, warmup_s: 5.0, windows: 5, window_s: 10.0 }
    }
}

/// Allowed lengths in seconds: at most 12 days.
const DURATION_S: RangeInclusive<f64> = 0.0..=1e6;

impl MeasurementSettings {
    /// Returns whether the measurement is at least as long as the full protocol.
    pub fn is_full(&self) -> bool {
        let full = Self::default();
        self.idle_s >= full.idle_s
            && self.warmup_s >= full.warmup_s
            && self.windows >= full.windows
            && self.window_s >= full.window_s
    }

    pub(crate) fn check(&self) -> Result<()> {
        within("measurement.idle_s", self.idle_s, &DURATION_S)?;
        within("measurement.warmup_s", self.warmup_s, &DURATION_S)?;
        within("measurement.windows", self.windows, &(1..=10_000))?;
        ensure!(self.window_s > 0.0, "measurement.window_s {} must be above 0", self.window_s);
        within("measurement.window_s", self.window_s, &DURATION_S)
    }
}
