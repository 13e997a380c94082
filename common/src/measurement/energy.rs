//! Energy of one inference, or the reason why it is not known.

use crate::files::json::Document;
use crate::files::ranges::{PHYSICAL, SIGNED, all_within};
use crate::measurement::manual_reading::ManualReading;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// The energy of one inference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Energy {
    /// Status of the energy: measured, or the kind of failure.
    pub status: EnergyStatus,
    /// Reason why there are no numbers; `null` if there are.
    pub reason: Option<String>,
    /// Meter that was read.
    pub meter: String,
    /// Gross energy in joules, of everything that the meter sees: the median over windows of mean
    /// power times `seconds` divided by `inferences`.
    pub gross_j: Option<f64>,
    /// Bootstrap 95 % interval of `gross_j`, as for the latency.
    pub gross_interval_j: Option<[f64; 2]>,
    /// Average gross power while inferences run, in watts: the median over windows of mean power;
    /// `null` without gross energy, and in older files.
    #[serde(default)]
    pub gross_w: Option<f64>,
    /// Net energy in joules: as `gross_j`, with the idle power (mean of both readings) subtracted
    /// from the power.
    pub net_j: Option<f64>,
    /// Bootstrap 95 % interval of `net_j`, as for the latency.
    pub net_interval_j: Option<[f64; 2]>,
    /// Reason why there is a gross energy but no net energy; `null` otherwise.
    pub net_reason: Option<String>,
    /// Mean power of the idle reading before the windows, in watts.
    pub idle_before_w: Option<f64>,
    /// Mean power of the idle reading after the windows, in watts.
    pub idle_after_w: Option<f64>,
    /// With the meter `manual`: the reading that all numbers here are computed from. Its single
    /// idle power is used for before and after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manual: Option<ManualReading>,
    /// With the meter `csv`: the log that the joules of the windows are computed from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<PowerLog>,
}

/// The power log of a logger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PowerLog {
    /// Name of the file.
    pub file: String,
    /// SHA-256 of the file when it was read after the measurement.
    pub sha256: String,
    /// Samples in the windows and idle readings, with one sample before and after each: seconds
    /// after `host.started_unix_s`, and watts. The `joules` of windows and idle readings are their
    /// integral by the trapezoidal rule, interpolated at both ends.
    pub samples: Vec<[f64; 2]>,
}

impl Energy {
    /// Returns an energy without numbers, with the reason.
    pub fn without_numbers(status: EnergyStatus, meter: String, reason: String) -> Energy {
        Energy {
            status,
            reason: Some(reason),
            meter,
            gross_j: None,
            gross_interval_j: None,
            gross_w: None,
            net_j: None,
            net_interval_j: None,
            net_reason: None,
            idle_before_w: None,
            idle_after_w: None,
            manual: None,
            log: None,
        }
    }

    /// Checks that no energy is zero, negative or unexplained.
    pub(crate) fn check(&self) -> Result<()> {
        let positive = |values: &[f64]| values.iter().all(|x| x.is_finite() && *x > 0.0);
        for (name, value, interval) in [
            ("gross", self.gross_j, self.gross_interval_j),
            ("gross_w", self.gross_w, None),
            ("net", self.net_j, self.net_interval_j),
            ("idle_before", self.idle_before_w, None),
            ("idle_after", self.idle_after_w, None),
        ] {
            let given: Vec<f64> = value.into_iter().chain(interval.into_iter().flatten()).collect();
            ensure!(positive(&given), "energy: {name} must be above 0, or null");
            all_within(&format!("energy: {name}"), given, &PHYSICAL)?;
        }
        self.manual.iter().try_for_each(ManualReading::check).context("energy.manual")?;
        let samples = self.log.iter().flat_map(|log| &log.samples).flatten();
        all_within("energy.log.samples", samples.copied(), &SIGNED)?;
        let measured = self.status == EnergyStatus::Measured;
        ensure!(
            measured == self.gross_j.is_some(),
            "energy: gross_j is required if the status is measured, and only then"
        );
        ensure!(
            measured || (self.net_j.is_none() && self.gross_w.is_none()),
            "energy: there cannot be net energy or power without gross energy"
        );
        ensure!(
            measured != self.reason.is_some(),
            "energy: a reason is required if there are no numbers, and only then"
        );
        let unexplained = measured && self.net_j.is_none() && self.net_reason.is_none();
        ensure!(!unexplained, "energy: net_j is null without net_reason");
        Ok(())
    }
}

/// The status of an energy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EnergyStatus {
    /// The energy was measured.
    Measured,
    /// There is no meter, or it cannot be read.
    Unavailable,
    /// The meter was read, but its numbers are impossible, or it failed during the measurement.
    Invalid,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured() -> Energy {
        Energy {
            status: EnergyStatus::Measured,
            reason: None,
            gross_j: Some(2.0),
            gross_interval_j: Some([1.0, 3.0]),
            gross_w: Some(20.0),
            net_j: Some(1.0),
            net_interval_j: Some([0.5, 1.5]),
            idle_before_w: Some(4.0),
            idle_after_w: Some(5.0),
            ..Energy::without_numbers(EnergyStatus::Measured, "rapl".into(), String::new())
        }
    }

    #[test]
    fn explained_energies_pass() {
        let no_net = Energy {
            net_j: None,
            net_interval_j: None,
            net_reason: Some("no idle".into()),
            ..measured()
        };
        let older = Energy { gross_w: None, ..measured() };
        let none =
            Energy::without_numbers(EnergyStatus::Unavailable, "none".into(), "no meter".into());
        for energy in [measured(), no_net, older, none] {
            energy.check().unwrap();
        }
    }

    #[test]
    fn zero_negative_and_unexplained_energies_are_refused() {
        let unavailable =
            Energy::without_numbers(EnergyStatus::Unavailable, "none".into(), "no meter".into());
        for (energy, expected) in [
            (Energy { gross_j: Some(0.0), ..measured() }, "gross must be above 0"),
            (Energy { gross_w: Some(0.0), ..measured() }, "gross_w must be above 0"),
            (Energy { gross_w: Some(1.0), ..unavailable.clone() }, "without gross energy"),
            (Energy { net_j: Some(-1e-9), ..measured() }, "net must be above 0"),
            (Energy { net_interval_j: Some([-0.1, 1.0]), ..measured() }, "net must be above 0"),
            (Energy { idle_after_w: Some(f64::NAN), ..measured() }, "idle_after must be above 0"),
            (Energy { net_j: None, ..measured() }, "without net_reason"),
            (Energy { gross_j: None, ..measured() }, "gross_j is required"),
            (Energy { reason: Some("x".into()), ..measured() }, "a reason is required"),
            (Energy { gross_j: Some(1.0), ..unavailable.clone() }, "gross_j is required"),
            (Energy { net_j: Some(1.0), ..unavailable.clone() }, "without gross energy"),
            (Energy { reason: None, ..unavailable }, "a reason is required"),
        ] {
            let error = energy.check().unwrap_err().to_string();
            assert!(error.contains(expected), "{error} is not {expected}");
        }
    }
}
