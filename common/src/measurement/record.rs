//! `measurement.json`: the record of a measurement, with every raw number that its totals are
//! computed from.

use crate::files::json::{Document, Known};
use crate::files::ranges::{COUNT, PHYSICAL, SECONDS, SIGNED, all_within, within};
use crate::measurement::energy::{Energy, EnergyStatus};
use crate::measurement::gpu_facts::GpuFacts;
use crate::measurement::windows::{Communication, IdleReading, Window};
use crate::profile::MeasurementSettings;
use crate::program::Program;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// Relative difference up to which two runs of the same program count as equal. A program counts as
/// warm once its latency varies by less, and memory layout, caches and clocks differ from run to
/// run. A smaller difference between two records is noise, even if the windows of each record
/// scatter less.
pub const RUN_TO_RUN_NOISE: f64 = 0.02;

/// The record of a measurement (`measurement.json`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// Name of the board.
    pub board: String,
    /// `true` if an emulator replaced the board; then times say nothing about the board.
    #[serde(default)]
    pub emulated: bool,
    /// `full` if everything was at least as long as the full protocol requires, else `short`.
    pub protocol: Protocol,
    /// Settings of the measurement.
    pub settings: MeasurementSettings,
    /// Crate that was measured.
    pub ran: MeasuredCrate,
    /// Inference latency, one image at a time.
    pub latency: Latency,
    /// Instructions of one inference.
    #[serde(default = "not_counted")]
    pub instructions: Known<Instructions>,
    /// For a processor with its own memory: times of copying and computing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub communication: Option<Communication>,
    /// Energy of one inference.
    pub energy: Energy,
    /// Raw idle reading before the crate ran; `null` if there is none.
    pub idle_before: Option<IdleReading>,
    /// Raw idle reading after the crate ran; `null` if there is none.
    pub idle_after: Option<IdleReading>,
    /// Raw windows, in order.
    pub windows: Vec<Window>,
    /// State of the machine.
    pub host: Host,
    /// With the meter `nvml`: the state of the GPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<GpuFacts>,
}

fn not_counted() -> Known<Instructions> {
    Known::unknown("not counted")
}

/// The number of instructions of one inference, counted outside of the windows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instructions {
    /// Mean number over some inferences.
    pub per_inference: f64,
    /// Program that counted them.
    pub counter: String,
    /// Instruction set that the kernels used while counting; an emulator may offer less than the
    /// board.
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
            "instructions: either a value or a reason is required"
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

/// The length of a measurement, compared with the full protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// At least as long as the full protocol.
    Full,
    /// Shorter, only for a first impression.
    Short,
}

/// The crate that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredCrate {
    /// Name of the crate.
    pub name: String,
    /// SHA-256 over the crate's files.
    pub crate_sha256: String,
    /// SHA-256 of the weights that the crate was generated from.
    pub weights_sha256: String,
    /// SHA-256 of the binary that ran.
    pub binary_sha256: String,
    /// Target triple.
    pub target: String,
    /// Output of `rustc --version`.
    pub rustc: String,
    /// Number of threads.
    pub threads: usize,
    /// Images per inference.
    pub batch: usize,
    /// Instruction set that the kernels use, as `bench` reports it.
    pub kernels: String,
}

/// The inference latency over all windows, in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// Median of the windows' medians.
    pub p50_s: f64,
    /// Median of the windows' 90th percentiles.
    pub p90_s: f64,
    /// Median of the windows' 99th percentiles.
    pub p99_s: f64,
    /// Bootstrap 95 % interval of `p50_s` over windows (10,000 resamples, seed 0). With a single
    /// window, both ends are `p50_s`.
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

/// The state of the machine during a measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Name of the processor.
    pub cpu: Known<String>,
    /// Kernel release.
    pub kernel: Known<String>,
    /// Frequency governor of the first core.
    pub governor: Known<String>,
    /// Frequency of the first core after the last window, in Hz.
    pub frequency_hz: Known<f64>,
    /// Temperature of the first thermal zone after the last window, in degrees Celsius.
    pub temperature_c: Known<f64>,
    /// Number of thermal throttling events of the first core's package while the crate ran.
    pub throttled: Known<u64>,
    /// Unix time at the start.
    pub started_unix_s: f64,
    /// Build of `measure`; missing in files of versions that did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<Program>,
}

impl Host {
    fn check(&self) -> Result<()> {
        all_within("frequency_hz", self.frequency_hz.value, &PHYSICAL)?;
        all_within("temperature_c", self.temperature_c.value, &SIGNED)?;
        within("started_unix_s", self.started_unix_s, &SIGNED)
    }
}
