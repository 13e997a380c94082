//! `measurement.json`: what was measured, where, with what, and every raw number that totals were
//! made from.

use crate::gpu::GpuFacts;
use crate::json::{Document, Known};
use crate::manual::ManualReading;
use crate::profile::MeasurementSettings;
use crate::ranges::{COUNT, PHYSICAL, SECONDS, SIGNED, all_within, within};
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

impl Communication {
    pub(crate) fn check(&self) -> Result<()> {
        [("h2d_s", self.h2d_s), ("kernel_s", self.kernel_s), ("d2h_s", self.d2h_s)]
            .into_iter()
            .try_for_each(|(key, time)| within(key, time, &SECONDS))
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
    /// Median over windows of everything the meter saw: of its mean power times the window's
    /// length.
    pub gross_j: Option<f64>,
    /// Bootstrap 95 % interval of `gross_j`, as for the latency.
    pub gross_interval_j: Option<[f64; 2]>,
    /// As gross, minus idle power (the mean of both readings) times the time.
    pub net_j: Option<f64>,
    /// Bootstrap 95 % interval of `net_j`, as for the latency.
    pub net_interval_j: Option<[f64; 2]>,
    /// Why there is a gross energy and no net energy; `null` otherwise.
    pub net_reason: Option<String>,
    /// Mean power of the idle reading before.
    pub idle_before_w: Option<f64>,
    /// Mean power of the idle reading after.
    pub idle_after_w: Option<f64>,
    /// With the meter `manual`: what was read, from which all numbers here are computed; its one
    /// idle power stands both before and after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manual: Option<ManualReading>,
    /// With the meter `csv`: the log that the windows' joules are from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<PowerLog>,
}

/// A logger's file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PowerLog {
    /// Its name.
    pub file: String,
    /// SHA-256 of what it held when it was read after the measurement.
    pub sha256: String,
    /// Its samples in the windows and idle readings and one before and after each: seconds after
    /// `host.started_unix_s`, and watts. By the trapezoidal rule, interpolated at both ends, they
    /// give the `joules` of windows and idle readings.
    pub samples: Vec<[f64; 2]>,
}

impl Energy {
    /// No numbers at all, and why.
    pub fn without_numbers(status: EnergyStatus, meter: String, reason: String) -> Energy {
        Energy {
            status,
            reason: Some(reason),
            meter,
            gross_j: None,
            gross_interval_j: None,
            net_j: None,
            net_interval_j: None,
            net_reason: None,
            idle_before_w: None,
            idle_after_w: None,
            manual: None,
            log: None,
        }
    }

    /// No energy is 0, negative or unexplained.
    fn check(&self) -> Result<()> {
        let positive = |values: &[f64]| values.iter().all(|x| x.is_finite() && *x > 0.0);
        for (name, value, interval) in [
            ("gross", self.gross_j, self.gross_interval_j),
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
            "energy: gross_j must be there only and always when measured"
        );
        ensure!(
            measured || self.net_j.is_none(),
            "energy: there cannot be net energy without gross energy"
        );
        ensure!(
            measured != self.reason.is_some(),
            "energy: a reason must be there when there are no numbers"
        );
        let unexplained = measured && self.net_j.is_none() && self.net_reason.is_none();
        ensure!(!unexplained, "energy: net_j is null without net_reason");
        Ok(())
    }
}

/// Whether energy was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EnergyStatus {
    /// It was.
    Measured,
    /// There is no meter, or it cannot be read.
    Unavailable,
    /// The meter was read, but its numbers cannot be true, or it vanished on the way.
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
    fn check(&self) -> Result<()> {
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
    fn check(&self) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn measured() -> Energy {
        Energy {
            status: EnergyStatus::Measured,
            reason: None,
            gross_j: Some(2.0),
            gross_interval_j: Some([1.0, 3.0]),
            net_j: Some(1.0),
            net_interval_j: Some([0.5, 1.5]),
            idle_before_w: Some(4.0),
            idle_after_w: Some(5.0),
            ..Energy::without_numbers(EnergyStatus::Measured, "rapl".into(), String::new())
        }
    }

    #[test]
    fn energies_that_are_explained_pass() {
        let no_net = Energy {
            net_j: None,
            net_interval_j: None,
            net_reason: Some("no idle".into()),
            ..measured()
        };
        let none =
            Energy::without_numbers(EnergyStatus::Unavailable, "none".into(), "no meter".into());
        for energy in [measured(), no_net, none] {
            energy.check().unwrap();
        }
    }

    #[test]
    fn energies_that_are_0_or_negative_or_unexplained_do_not() {
        let unavailable =
            Energy::without_numbers(EnergyStatus::Unavailable, "none".into(), "no meter".into());
        for (energy, expected) in [
            (Energy { gross_j: Some(0.0), ..measured() }, "gross must be above 0"),
            (Energy { net_j: Some(-1e-9), ..measured() }, "net must be above 0"),
            (Energy { net_interval_j: Some([-0.1, 1.0]), ..measured() }, "net must be above 0"),
            (Energy { idle_after_w: Some(f64::NAN), ..measured() }, "idle_after must be above 0"),
            (Energy { net_j: None, ..measured() }, "without net_reason"),
            (Energy { gross_j: None, ..measured() }, "gross_j must be there"),
            (Energy { reason: Some("x".into()), ..measured() }, "a reason must be there"),
            (Energy { gross_j: Some(1.0), ..unavailable.clone() }, "gross_j must be there"),
            (Energy { net_j: Some(1.0), ..unavailable.clone() }, "without gross energy"),
            (Energy { reason: None, ..unavailable }, "a reason must be there"),
        ] {
            let error = energy.check().unwrap_err().to_string();
            assert!(error.contains(expected), "{error} is not {expected}");
        }
    }
}
