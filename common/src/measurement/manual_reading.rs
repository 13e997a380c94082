//! Readings of a wall meter by a person (`--manual-json`).

use crate::files::json::Document;
use crate::files::ranges::{PHYSICAL, SECONDS, within};
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// The readings of a wall meter by a person (`--manual-json`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManualReading {
    /// Name of the crate that ran. The reading is not used for any other crate.
    pub name: String,
    /// SHA-256 of the binary that ran, as in `ran.binary_sha256` of its record. If it is given, the
    /// reading is not used for any other binary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary_sha256: Option<String>,
    /// Name of the meter, e.g. `Kill-A-Watt P4400`.
    pub meter: String,
    /// Person who read the meter.
    pub read_by: String,
    /// Power while the board was idle, in watts.
    pub idle_w: f64,
    /// Power while the crate's `bench` ran, in watts.
    pub load_w: f64,
    /// Duration for which the power under load was watched, in seconds.
    pub duration_s: f64,
    /// Smallest step of the meter's display, in watts.
    pub resolution_w: f64,
}

impl Document for ManualReading {
    const KIND: &'static str = "manual";

    fn check(&self) -> Result<()> {
        let ManualReading { name, meter, read_by, .. } = self;
        let complete = [name, meter, read_by].iter().all(|text| !text.trim().is_empty());
        ensure!(complete, "name, meter and read_by: none of them may be empty");
        for (key, value) in [
            ("idle_w", self.idle_w),
            ("load_w", self.load_w),
            ("duration_s", self.duration_s),
            ("resolution_w", self.resolution_w),
        ] {
            ensure!(value > 0.0, "{key} {value} must be above 0");
            within(key, value, if key == "duration_s" { &SECONDS } else { &PHYSICAL })?;
        }
        Ok(())
    }
}
