//! Raw windows and idle readings of a measurement, which all other numbers are computed from.

use crate::files::ranges::{PHYSICAL, SECONDS, SIGNED, all_within, within};
use anyhow::Result;
use serde::{Deserialize, Serialize};

/// The parts of one inference's latency on a processor with its own memory, such as a GPU: medians
/// of the windows' medians, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Communication {
    /// Time of copying from the host's memory to the device's.
    pub h2d_s: f64,
    /// Time of computing.
    pub kernel_s: f64,
    /// Time of copying from the device's memory to the host's.
    pub d2h_s: f64,
}

impl Communication {
    pub(crate) fn check(&self) -> Result<()> {
        [("h2d_s", self.h2d_s), ("kernel_s", self.kernel_s), ("d2h_s", self.d2h_s)]
            .into_iter()
            .try_for_each(|(key, time)| within(key, time, &SECONDS))
    }
}

/// The raw numbers of one window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Inferences in the window.
    pub inferences: u64,
    /// Length of the window on the board's clock, in seconds.
    pub seconds: f64,
    /// Median time of one inference, in seconds.
    pub p50_s: f64,
    /// 90th percentile, in seconds.
    pub p90_s: f64,
    /// 99th percentile, in seconds.
    pub p99_s: f64,
    /// Medians of copying and computing, if they are separate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub communication: Option<Communication>,
    /// Time at which the beginning of the window was noticed and the meter read, in seconds after
    /// `host.started_unix_s`.
    pub t0_s: f64,
    /// Time at which its end was noticed and the meter read.
    pub t1_s: f64,
    /// Advance of all counters of the meter, or the integral of the logged or read power over the
    /// window; `null` without a meter and if it is not known.
    pub joules: Option<f64>,
    /// Number of times that counters wrapped in the window; `null` without a meter and if it is not
    /// known.
    pub wraps: Option<u64>,
    /// `true` if the window is shorter than 100 updates of the meter's counters, so that their
    /// steps are visible in `joules`; `null` without a meter.
    pub under_100_ticks: Option<bool>,
    /// Readings of each counter; empty without a meter, and if the meter does not count energy.
    pub counters: Vec<CounterReading>,
}

impl Window {
    pub(crate) fn check(&self) -> Result<()> {
        within("inferences", self.inferences, &(0..=1 << 50))?;
        for (key, time) in [
            ("seconds", self.seconds),
            ("p50_s", self.p50_s),
            ("p90_s", self.p90_s),
            ("p99_s", self.p99_s),
        ] {
            within(key, time, &SECONDS)?;
        }
        self.communication.iter().try_for_each(Communication::check)?;
        check_reading([self.t0_s, self.t1_s], self.joules, &self.counters)
    }
}

impl IdleReading {
    pub(crate) fn check(&self) -> Result<()> {
        check_reading([self.t0_s, self.t1_s], self.joules, &self.counters)
    }
}

fn check_reading(
    [t0_s, t1_s]: [f64; 2],
    joules: Option<f64>,
    counters: &[CounterReading],
) -> Result<()> {
    within("t0_s", t0_s, &SIGNED)?;
    within("t1_s", t1_s, &SIGNED)?;
    all_within("joules", joules, &SIGNED)?;
    all_within("unit_j", counters.iter().map(|counter| counter.unit_j), &PHYSICAL)
}

/// The readings of the meter while nothing ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdleReading {
    /// Time of the beginning, in seconds after `host.started_unix_s`.
    pub t0_s: f64,
    /// Time of the end.
    pub t1_s: f64,
    /// As in [`Window`].
    pub joules: Option<f64>,
    /// As in [`Window`].
    pub wraps: Option<u64>,
    /// As in [`Window`].
    pub under_100_ticks: Option<bool>,
    /// As in [`Window`].
    pub counters: Vec<CounterReading>,
}

/// The readings of one counter at both ends of a window. It advanced by `unit_j * (end - start +
/// wraps * range)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CounterReading {
    /// Name of the counter, e.g. `package-0`.
    pub name: String,
    /// Joules per step.
    pub unit_j: f64,
    /// Value at which it wraps to 0; `null` if the meter does not say.
    pub range: Option<u64>,
    /// Value at the beginning.
    pub start: u64,
    /// Value at the end.
    pub end: u64,
    /// Number of times that it wrapped; `null` if it ran backwards.
    pub wraps: Option<u64>,
}
