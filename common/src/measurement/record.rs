//! `measurement.json`: what was measured, where, with what, and every raw number that totals were
//! made from.

use crate::files::json::{Document, Known};
use crate::files::ranges::{COUNT, PHYSICAL, SECONDS, SIGNED, all_within, within};
use crate::measurement::energy::{Energy, EnergyStatus};
use crate::measurement::gpu_facts::GpuFacts;
use crate::measurement::windows::{Communication, IdleReading, Window};
use crate::profile::MeasurementSettings;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// By this share two runs of one program may differ and say nothing: a program counts as warm once
/// its latency varies by less, and memory, caches and clocks are not the same in the next run. A
/// smaller difference between two records is noise, however little the windows of each of them
/// scatter.
pub const RUN_TO_RUN: f64 = 0.02;

/// `measurement.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// The board's name.
    pub board: String,
    /// Whether an emulator took the board's place: then times say nothing about the board.
    #[serde(default)]
    pub emulated: bool,
    /// `full` when everything was at least as long as the full protocol asks, else `short`.
    pub protocol: Protocol,
    /// The settings used.
    pub settings: MeasurementSettings,
    /// What ran.
    pub ran: Ran,
    /// Inference latency, one image at a time.
    pub latency: Latency,
    /// Instructions of one inference.
    #[serde(default = "not_counted")]
    pub instructions: Known<Instructions>,
    /// Where the processor of the network has a memory of its own: times of copying and computing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub communication: Option<Communication>,
    /// Energy of one inference.
    pub energy: Energy,
    /// The raw idle reading before the crate ran; `null` where none was taken.
    pub idle_before: Option<IdleReading>,
    /// The raw idle reading after it ran; `null` where none was taken.
    pub idle_after: Option<IdleReading>,
    /// Raw windows, in order.
    pub windows: Vec<Window>,
    /// The machine at the time.
    pub host: Host,
    /// With the meter `nvml`: the GPU at the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<GpuFacts>,
}

fn not_counted() -> Known<Instructions> {
    Known::unknown("not counted")
}

/// Instructions of one inference, counted outside of the windows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instructions {
    /// How many; the mean over some inferences.
    pub per_inference: f64,
    /// What counted them.
    pub counter: String,
    /// The instruction set that the kernels chose meanwhile; an emulating counter may offer less
    /// than the board.
    pub kernels: String,
}

impl Document for Measurement {
    const KIND: &'static str = "measurement";

    fn check(&self) -> Result<()> {
        self.settings.check().context("settings")?;
        within("ran.threads", self.ran.threads, &COUNT)?;
        within("ran.batch", self.ran.batch, &COUNT)?;
        ensure!(!self.windows.is_empty(), "windows: there are none");
        for (index, window) in self.windows.iter().enumerate() {
            window.check().with_context(|| format!("windows[{index}]"))?;
        }
        self.idle_before.iter().try_for_each(IdleReading::check).context("idle_before")?;
        self.idle_after.iter().try_for_each(IdleReading::check).context("idle_after")?;
        self.host.check().context("host")?;
        self.gpu.iter().try_for_each(GpuFacts::check).context("gpu")?;
        ensure!(
            self.windows.iter().all(|w| w.inferences > 0),
            "windows: one of them has no inferences"
        );
        self.latency.check()?;
        ensure!(
            self.instructions.value.is_some() != self.instructions.reason.is_some(),
            "instructions: either a value or a reason must be there"
        );
        let counted = self.instructions.value.iter().map(|instructions| instructions.per_inference);
        let copied = self.communication.iter().flat_map(|c| [c.h2d_s, c.kernel_s, c.d2h_s]);
        ensure!(
            counted.chain(copied).all(|x| x.is_finite() && x > 0.0),
            "instructions and communication: every number must be above 0"
        );
        all_within(
            "per_inference",
            self.instructions.value.iter().map(|i| i.per_inference),
            &PHYSICAL,
        )?;
        self.communication.iter().try_for_each(Communication::check)?;
        ensure!(
            !self.emulated || self.energy.status != EnergyStatus::Measured,
            "energy: an emulator has none"
        );
        self.energy.check()
    }
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
    /// Bootstrap 95 % interval of `p50_s` over windows (10,000 resamples, seed 0). A single window
    /// says nothing about its own spread: then both ends are `p50_s`.
    pub p50_interval_s: [f64; 2],
}

impl Latency {
    fn check(&self) -> Result<()> {
        let single = [("p50_s", self.p50_s), ("p90_s", self.p90_s), ("p99_s", self.p99_s)];
        for (key, time) in
            single.into_iter().chain(self.p50_interval_s.map(|time| ("p50_interval_s", time)))
        {
            ensure!(time > 0.0, "latency: {key} {time} must be above 0");
            within(&format!("latency: {key}"), time, &SECONDS)?;
        }
        Ok(())
    }
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
    /// How often the first core's package was throttled for heat while the crate ran.
    pub throttled: Known<u64>,
    /// Unix time at the start.
    pub started_unix_s: f64,
}

impl Host {
    fn check(&self) -> Result<()> {
        all_within("frequency_hz", self.frequency_hz.value, &PHYSICAL)?;
        all_within("temperature_c", self.temperature_c.value, &SIGNED)?;
        within("started_unix_s", self.started_unix_s, &SIGNED)
    }
}
