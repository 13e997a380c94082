//! The windows and idle readings of a measurement: raw numbers that all others are made from.

use crate::files::ranges::{PHYSICAL, SECONDS, SIGNED, all_within, within};
use anyhow::Result;
use serde::{Deserialize, Serialize};

/// Parts of one inference's latency on a processor with a memory of its own, such as a GPU: medians
/// of the windows' medians.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Communication {
    /// From the host's memory to the device's.
    pub h2d_s: f64,
    /// Computing.
    pub kernel_s: f64,
    /// From the device's memory to the host's.
    pub d2h_s: f64,
}

impl Communication {
    pub(crate) fn check(&self) -> Result<()> {
        [("h2d_s", self.h2d_s), ("kernel_s", self.kernel_s), ("d2h_s", self.d2h_s)]
            .into_iter()
            .try_for_each(|(key, time)| within(key, time, &SECONDS))
    }
}

/// One window as it was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Inferences in the window.
    pub inferences: u64,
    /// The window's length on the board's clock.
    pub seconds: f64,
    /// Median time of one inference.
    pub p50_s: f64,
    /// 90th percentile.
    pub p90_s: f64,
    /// 99th percentile.
    pub p99_s: f64,
    /// Medians of copying and computing, where they are apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub communication: Option<Communication>,
    /// When the window's beginning was noticed and the meter read, in seconds after
    /// `host.started_unix_s`.
    pub t0_s: f64,
    /// When its end was.
    pub t1_s: f64,
    /// What the meter's counters advanced by, all together, or the power that was logged or read
    /// over the window's time; `null` without a meter and where it cannot be known.
    pub joules: Option<f64>,
    /// How often counters wrapped in the window; `null` without a meter and where it cannot be
    /// known.
    pub wraps: Option<u64>,
    /// Whether the window is shorter than 100 updates of the meter's counters, so that their steps
    /// show in `joules`; `null` without a meter.
    pub under_100_ticks: Option<bool>,
    /// What each counter showed; empty without a meter, and where the meter counts no energy.
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

/// What the meter saw while nothing ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdleReading {
    /// When it began, in seconds after `host.started_unix_s`.
    pub t0_s: f64,
    /// When it ended.
    pub t1_s: f64,
    /// As in a window.
    pub joules: Option<f64>,
    /// As in a window.
    pub wraps: Option<u64>,
    /// As in a window.
    pub under_100_ticks: Option<bool>,
    /// As in a window.
    pub counters: Vec<CounterReading>,
}

/// One counter of a meter at both ends of a window. It advanced by
/// `unit_j * (end - start + wraps * range)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CounterReading {
    /// The counter's own name, e.g. `package-0`.
    pub name: String,
    /// Joules for a step of 1.
    pub unit_j: f64,
    /// Where it wraps to 0; `null` where the meter does not say.
    pub range: Option<u64>,
    /// What it showed at the beginning.
    pub start: u64,
    /// What it showed at the end.
    pub end: u64,
    /// How often it wrapped between; `null` where it ran backwards.
    pub wraps: Option<u64>,
}
