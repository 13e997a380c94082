//! `measurement.json`: what was measured, where, with what, and every raw number that totals were made from.

use crate::json::{Document, Known};
use crate::profile::MeasurementSettings;
use serde::{Deserialize, Serialize};

/// `measurement.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// The board's name.
    pub board: String,
    /// `full` when the settings are at least those of the full protocol, else `short`.
    pub protocol: Protocol,
    /// The settings used.
    pub settings: MeasurementSettings,
    /// What ran.
    pub ran: Ran,
    /// Inference latency, one image at a time.
    pub latency: Latency,
    /// Energy of one inference.
    pub energy: Energy,
    /// Raw windows, in order.
    pub windows: Vec<Window>,
    /// The machine at the time.
    pub host: Host,
}

impl Document for Measurement {
    const KIND: &'static str = "measurement";
}

/// How long was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// At least as long as the full protocol asks.
    Full,
    /// Shorter, good for a first look only.
    Short,
}

/// What ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ran {
    /// The crate's name.
    pub name: String,
    /// SHA-256 over the crate's files.
    pub crate_sha256: String,
    /// SHA-256 of the weights that the crate was generated from.
    pub weights_sha256: String,
    /// SHA-256 of the binary that ran.
    pub binary_sha256: String,
    /// Target triple.
    pub target: String,
    /// What `rustc --version` says.
    pub rustc: String,
    /// Threads.
    pub threads: usize,
    /// Images per inference.
    pub batch: usize,
    /// The instruction set that the kernels chose, as `bench` reports it.
    pub kernels: String,
}

/// Inference latency over all windows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// Median of the windows' medians.
    pub p50_s: f64,
    /// Median of the windows' 90th percentiles.
    pub p90_s: f64,
    /// Median of the windows' 99th percentiles.
    pub p99_s: f64,
    /// Bootstrap 95 % interval of `p50_s` over windows.
    pub p50_interval_s: [f64; 2],
}

/// Energy of one inference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Energy {
    /// Whether there are numbers, and if not, which kind of not.
    pub status: EnergyStatus,
    /// Why there are none; `null` when there are.
    pub reason: Option<String>,
    /// What read them.
    pub meter: String,
    /// Median over windows of everything the meter saw.
    pub gross_j: Option<f64>,
    /// Bootstrap 95 % interval of `gross_j`.
    pub gross_interval_j: Option<[f64; 2]>,
    /// As gross, minus idle power times the time.
    pub net_j: Option<f64>,
    /// Bootstrap 95 % interval of `net_j`.
    pub net_interval_j: Option<[f64; 2]>,
    /// Mean power of the idle reading before.
    pub idle_before_w: Option<f64>,
    /// Mean power of the idle reading after.
    pub idle_after_w: Option<f64>,
}

/// Whether energy was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EnergyStatus {
    /// It was.
    Measured,
    /// There is no meter, or it cannot be read.
    Unavailable,
    /// The meter was read, but its numbers cannot be true.
    Invalid,
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
    /// What the meter's counters advanced by; `null` without a meter.
    pub joules: Option<f64>,
    /// How often counters wrapped in the window; `null` without a meter.
    pub wraps: Option<u64>,
}

/// The machine at the time of the measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Processor's name.
    pub cpu: Known<String>,
    /// Kernel release.
    pub kernel: Known<String>,
    /// Frequency governor of the first core.
    pub governor: Known<String>,
    /// Frequency of the first core after the last window.
    pub frequency_hz: Known<f64>,
    /// Temperature of the first thermal zone after the last window.
    pub temperature_c: Known<f64>,
    /// Unix time at the start.
    pub started_unix_s: f64,
}
