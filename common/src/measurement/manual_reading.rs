//! What somebody read from a wall meter: `--manual-json`.

use crate::files::json::Document;
use crate::files::ranges::{PHYSICAL, SECONDS, within};
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// What somebody read from a wall meter: `--manual-json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManualReading {
    /// The name of the crate that ran; no other crate's energy is computed from this.
    pub name: String,
    /// SHA-256 of the binary that ran, as its record's `ran.binary_sha256`; where it is given, no
    /// other binary's energy is computed from this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary_sha256: Option<String>,
    /// The meter, e.g. `Kill-A-Watt P4400`.
    pub meter: String,
    /// Who read and typed this.
    pub read_by: String,
    /// Power while the board was idle.
    pub idle_w: f64,
    /// Power while the crate's `bench` ran.
    pub load_w: f64,
    /// For how long the power under load was watched.
    pub duration_s: f64,
    /// The smallest step of the meter's display.
    pub resolution_w: f64,
}

impl Document for ManualReading {
    const KIND: &'static str = "manual";

    fn check(&self) -> Result<()> {
        let ManualReading { name, meter, read_by, .. } = self;
        let said = [name, meter, read_by].iter().all(|text| !text.trim().is_empty());
        ensure!(said, "name, meter and read_by: none of them may be empty");
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
