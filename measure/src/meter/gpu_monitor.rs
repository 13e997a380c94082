//! The state of an NVIDIA GPU while a crate runs on it: its clocks, what throttles them, its
//! temperature, and the processes on it.

use super::nvml;
use crate::host::HostClock;
use crate::reason::Reason;
use common::files::json::Known;
use common::measurement::gpu_facts::{GpuFacts, GpuProcess};
use nvml_wrapper::bitmasks::device::ThrottleReasons;
use nvml_wrapper::enum_wrappers::device::{Clock, TemperatureSensor};
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Time between two samples.
const PERIOD: Duration = Duration::from_millis(250);
/// Longest name of a program, in bytes.
const MAX_NAME: usize = 256;

/// A thread that samples the state of a GPU until [`GpuMonitor::facts`] is called or this is
/// dropped.
#[derive(Debug)]
pub(crate) struct GpuMonitor {
    name: String,
    driver: Known<String>,
    stop: Sender<()>,
    samples: JoinHandle<Samples>,
}

/// The samples of a GPU, and the names of the programs that were on it.
#[derive(Debug, Default)]
struct Samples {
    samples: Vec<Sample>,
    programs: BTreeMap<u32, Option<String>>,
}

/// The state of the GPU at one moment.
#[derive(Debug)]
struct Sample {
    at_s: f64,
    sm_clock_hz: Result<f64, Reason>,
    memory_clock_hz: Result<f64, Reason>,
    temperature_c: Result<f64, Reason>,
    throttled: Result<BTreeSet<String>, Reason>,
    processes: Result<BTreeSet<u32>, Reason>,
}

/// The time in which a crate ran, and its process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ObservedRun {
    /// Start of the process, in seconds.
    pub(crate) started_s: f64,
    /// Start of the first window and end of the last one, in seconds.
    pub(crate) windows_s: [f64; 2],
    /// Number of the process.
    pub(crate) pid: u32,
}

impl GpuMonitor {
    /// Starts the thread. Times count from the clock's start.
    ///
    /// # Errors
    /// Fails if there is no such GPU.
    pub(crate) fn start(
        library: Option<&Path>,
        index: u32,
        clock: HostClock,
    ) -> Result<GpuMonitor, Reason> {
        let nvml = nvml::load(library)?;
        nvml.device_by_index(index).map_err(reason)?;
        let name = nvml::name(&nvml, index);
        let driver = nvml
            .sys_driver_version()
            .map_or_else(|error| Known::unknown(error.to_string()), Known::of);
        let (stop, stopped) = channel();
        let samples = thread::spawn(move || {
            let mut samples = Samples::default();
            loop {
                samples.take(&nvml, index, clock);
                if stopped.recv_timeout(PERIOD) != Err(RecvTimeoutError::Timeout) {
                    return samples;
                }
            }
        });
        Ok(GpuMonitor { name, driver, stop, samples })
    }

    /// Ends the thread and returns what the samples show of a run.
    pub(crate) fn facts(self, run: ObservedRun) -> GpuFacts {
        let GpuMonitor { name, driver, stop, samples } = self;
        drop(stop);
        // If the thread panicked, its samples are lost.
        samples.join().unwrap_or_default().facts(name, driver, run)
    }
}

impl Samples {
    /// Takes a sample.
    fn take(&mut self, nvml: &Nvml, index: u32, clock: HostClock) {
        let at_s = clock.elapsed_s();
        let gpu = nvml.device_by_index(index).map_err(reason);
        let gpu = gpu.as_ref().map_err(Clone::clone);
        let number = |what: fn(&Device) -> Result<u32, NvmlError>, unit: f64| {
            gpu.clone()
                .and_then(|gpu| what(gpu).map_err(reason))
                .map(|value| f64::from(value) * unit)
        };
        let sample = Sample {
            at_s,
            sm_clock_hz: number(|gpu| gpu.clock_info(Clock::SM), 1e6),
            memory_clock_hz: number(|gpu| gpu.clock_info(Clock::Memory), 1e6),
            temperature_c: number(|gpu| gpu.temperature(TemperatureSensor::Gpu), 1.0),
            throttled: gpu.clone().and_then(|gpu| throttled(gpu).map_err(reason)),
            processes: gpu.and_then(|gpu| processes(gpu).map_err(reason)),
        };
        for pid in sample.processes.iter().flatten() {
            self.programs.entry(*pid).or_insert_with(|| nvml.sys_process_name(*pid, MAX_NAME).ok());
        }
        self.samples.push(sample);
    }

    fn facts(&self, name: String, driver: Known<String>, run: ObservedRun) -> GpuFacts {
        let [first, last] = run.windows_s;
        let during: Vec<&Sample> =
            self.samples.iter().filter(|sample| (first..=last).contains(&sample.at_s)).collect();
        GpuFacts {
            name,
            driver,
            sm_clock_hz: known(range(&during, |sample| &sample.sm_clock_hz)),
            memory_clock_hz: known(range(&during, |sample| &sample.memory_clock_hz)),
            temperature_c: known(range(&during, |sample| &sample.temperature_c)),
            throttled: known(
                all(&during, |sample| &sample.throttled)
                    .map(|reasons| union(reasons).into_iter().collect()),
            ),
            other_processes: known(self.others(run)),
        }
    }

    /// Returns the processes other than the crate's. In a container with its own process numbers,
    /// the driver knows the crate by another number: then the only process that appeared after the
    /// start is taken for the crate.
    fn others(&self, run: ObservedRun) -> Result<Vec<GpuProcess>, Reason> {
        let (before, since): (Vec<&Sample>, Vec<&Sample>) =
            self.samples.iter().partition(|sample| sample.at_s < run.started_s);
        let pids = |samples: &[&Sample]| -> Result<BTreeSet<u32>, Reason> {
            if samples.is_empty() {
                Ok(BTreeSet::new())
            } else {
                all(samples, |sample| &sample.processes).map(union)
            }
        };
        let (before, since) = (pids(&before)?, pids(&since)?);
        let new: Vec<u32> = since.difference(&before).copied().collect();
        let ours = if new.contains(&run.pid) {
            Some(run.pid)
        } else {
            new.first().copied().filter(|_| new.len() == 1)
        };
        let others = before.union(&since).filter(|pid| ours != Some(**pid));
        Ok(others
            .map(|pid| GpuProcess { pid: *pid, program: self.programs.get(pid).cloned().flatten() })
            .collect())
    }
}

/// Returns what throttles the clocks, except that the GPU is idle.
fn throttled(gpu: &Device) -> Result<BTreeSet<String>, NvmlError> {
    let reasons = gpu.current_throttle_reasons()?.difference(ThrottleReasons::GPU_IDLE);
    Ok(reasons.iter_names().map(|(name, _)| name.to_string()).collect())
}

/// Returns the processes that compute or draw; many GPUs cannot draw.
fn processes(gpu: &Device) -> Result<BTreeSet<u32>, NvmlError> {
    let drawing = match gpu.running_graphics_processes() {
        Err(NvmlError::NotSupported | NvmlError::FailedToLoadSymbol(_)) => vec![],
        other => other?,
    };
    Ok(gpu
        .running_compute_processes()?
        .into_iter()
        .chain(drawing)
        .map(|process| process.pid)
        .collect())
}

/// Returns a value of all samples, of which there must be at least one.
fn all<'a, T>(
    samples: &[&'a Sample],
    of: fn(&Sample) -> &Result<T, Reason>,
) -> Result<Vec<&'a T>, Reason> {
    if samples.is_empty() {
        return Err(format!(
            "the GPU is sampled every {} s, and the windows were over before",
            PERIOD.as_secs_f64()
        )
        .into());
    }
    samples.iter().map(|sample| of(sample).as_ref().map_err(Clone::clone)).collect()
}

fn range(samples: &[&Sample], of: fn(&Sample) -> &Result<f64, Reason>) -> Result<[f64; 2], Reason> {
    let values = all(samples, of)?;
    let limits = |a: [f64; 2], value: &&f64| [a[0].min(**value), a[1].max(**value)];
    Ok(values.iter().fold([f64::INFINITY, f64::NEG_INFINITY], limits))
}

fn union<T: Ord + Clone>(sets: Vec<&BTreeSet<T>>) -> BTreeSet<T> {
    sets.into_iter().flatten().cloned().collect()
}

fn reason(error: NvmlError) -> Reason {
    error.to_string().into()
}

fn known<T>(result: Result<T, Reason>) -> Known<T> {
    result.map_or_else(Known::unknown, Known::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at_s: f64, megahertz: f64, throttled: &[&str], processes: &[u32]) -> Sample {
        Sample {
            at_s,
            sm_clock_hz: Ok(megahertz * 1e6),
            memory_clock_hz: Err("not supported".into()),
            temperature_c: Ok(50.0),
            throttled: Ok(throttled.iter().map(|reason| (*reason).to_string()).collect()),
            processes: Ok(processes.iter().copied().collect()),
        }
    }

    fn facts(samples: Vec<Sample>) -> GpuFacts {
        let programs = BTreeMap::from([(8, Some("python3".to_string()))]);
        let run = ObservedRun { started_s: 2.0, windows_s: [3.0, 5.0], pid: 7 };
        Samples { samples, programs }.facts("GPU 0".into(), Known::of("580".into()), run)
    }

    #[test]
    fn clocks_are_those_of_the_windows() {
        let samples = vec![
            sample(1.0, 300.0, &["SYNC_BOOST"], &[]),
            sample(3.5, 1900.0, &[], &[7]),
            sample(4.0, 1500.0, &["SW_POWER_CAP"], &[7]),
            sample(5.5, 300.0, &["HW_SLOWDOWN"], &[]),
        ];
        let facts = facts(samples);
        assert_eq!(facts.sm_clock_hz, Known::of([1.5e9, 1.9e9]));
        assert_eq!(facts.memory_clock_hz, Known::unknown("not supported"));
        assert_eq!(facts.temperature_c, Known::of([50.0, 50.0]));
        assert_eq!(facts.throttled, Known::of(vec!["SW_POWER_CAP".to_string()]));
        assert_eq!(facts.other_processes, Known::of(vec![]));
    }

    #[test]
    fn without_a_sample_in_a_window_nothing_is_known() {
        let facts = facts(vec![sample(1.0, 300.0, &[], &[]), sample(5.5, 300.0, &[], &[])]);
        assert!(
            facts
                .throttled
                .reason
                .unwrap()
                .contains("every 0.25 s, and the windows were over before")
        );
        assert_eq!((facts.sm_clock_hz.value, facts.other_processes.value), (None, Some(vec![])));
    }

    #[test]
    fn other_processes_are_distinguished_from_the_crate() {
        let of = |before: &[u32], since: &[u32]| {
            let facts = facts(vec![sample(1.0, 1.0, &[], before), sample(4.0, 1.0, &[], since)]);
            facts
                .other_processes
                .value
                .unwrap()
                .into_iter()
                .map(|process| process.pid)
                .collect::<Vec<_>>()
        };
        assert_eq!(of(&[], &[7]), [0; 0]);
        assert_eq!(of(&[8], &[7, 8]), [8]);
        assert_eq!(of(&[8], &[7]), [8], "it was there during the idle reading");
        assert_eq!(of(&[], &[7, 9]), [9], "it appeared later");
        // In a container the driver has other numbers.
        assert_eq!(of(&[8], &[8, 4711]), [8]);
        assert_eq!(of(&[7], &[7, 4711]), [7], "the same number by chance: it was there before");
        assert_eq!(of(&[], &[4711, 4712]), [4711, 4712], "nobody knows which of them it is");
        let named = facts(vec![sample(1.0, 1.0, &[], &[8])]).other_processes.value.unwrap();
        assert_eq!(named, [GpuProcess { pid: 8, program: Some("python3".into()) }]);
    }
}
