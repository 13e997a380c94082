//! Section `measurement` of a profile.

use crate::files::ranges::within;
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Section `measurement`. The default is a full measurement; anything shorter is marked `short` in
/// its file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MeasurementSettings {
    /// Length of each of the two idle readings, before and after.
    pub idle_s: f64,
    /// Longest warm-up.
    pub warmup_s: f64,
    /// Number of windows.
    pub windows: usize,
    /// Length of each window.
    pub window_s: f64,
}

impl Default for MeasurementSettings {
    fn default() -> Self {
        MeasurementSettings { idle_s: 10.0, warmup_s: 5.0, windows: 5, window_s: 10.0 }
    }
}

/// Nothing is measured for over 12 days at a time, in seconds.
const MEASURED: RangeInclusive<f64> = 0.0..=1e6;

impl MeasurementSettings {
    /// Whether this is at least the full protocol.
    pub fn is_full(&self) -> bool {
        let full = Self::default();
        self.idle_s >= full.idle_s
            && self.warmup_s >= full.warmup_s
            && self.windows >= full.windows
            && self.window_s >= full.window_s
    }

    pub(crate) fn check(&self) -> Result<()> {
        within("measurement.idle_s", self.idle_s, &MEASURED)?;
        within("measurement.warmup_s", self.warmup_s, &MEASURED)?;
        within("measurement.windows", self.windows, &(1..=10_000))?;
        ensure!(self.window_s > 0.0, "measurement.window_s {} must be above 0", self.window_s);
        within("measurement.window_s", self.window_s, &MEASURED)
    }
}
