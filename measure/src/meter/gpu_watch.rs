//! Looks at an NVIDIA GPU while a crate runs on it: its clocks, what holds them back, its
//! temperature, and who else is there.

use super::nvml;
use common::gpu::{GpuFacts, GpuProcess};
use common::json::Known;
use nvml_wrapper::bitmasks::device::ThrottleReasons;
use nvml_wrapper::enum_wrappers::device::{Clock, TemperatureSensor};
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Time between two looks.
const EVERY: Duration = Duration::from_millis(250);
/// Longest name of a program.
const NAME: usize = 256;

/// Looks at a GPU in a thread of its own until [`GpuWatch::facts`] or this is dropped.
#[derive(Debug)]
pub(crate) struct GpuWatch {
    name: String,
    driver: Known<String>,
    stop: Sender<()>,
    seen: JoinHandle<Seen>,
}

/// What the looks showed.
#[derive(Debug, Default)]
struct Seen {
    looks: Vec<Look>,
    programs: BTreeMap<u32, Option<String>>,
}

/// The GPU at one moment.
#[derive(Debug)]
struct Look {
    at_s: f64,
    sm_clock_hz: Result<f64, String>,
    memory_clock_hz: Result<f64, String>,
    temperature_c: Result<f64, String>,
    throttled: Result<BTreeSet<String>, String>,
    processes: Result<BTreeSet<u32>, String>,
}

/// When a crate ran, and as which process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// When it was started.
    pub(crate) started_s: f64,
    /// From the first window's begin to the last one's end.
    pub(crate) windows_s: [f64; 2],
    /// The process.
    pub(crate) pid: u32,
}

impl GpuWatch {
    /// Begins to look. Times count from `start`.
    ///
    /// # Errors
    /// There is no such GPU.
    pub(crate) fn start(
        library: Option<&Path>,
        index: u32,
        start: Instant,
    ) -> Result<GpuWatch, String> {
        let nvml = nvml::load(library)?;
        nvml.device_by_index(index).map_err(|error| error.to_string())?;
        let name = nvml::name(&nvml, index);
        let driver = nvml
            .sys_driver_version()
            .map_or_else(|error| Known::unknown(error.to_string()), Known::of);
        let (stop, stopped) = channel();
        let seen = thread::spawn(move || {
            let mut seen = Seen::default();
            loop {
                seen.look(&nvml, index, start);
                if stopped.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
                    return seen;
                }
            }
        });
        Ok(GpuWatch { name, driver, stop, seen })
    }

    /// Ends looking; what there was to see.
    pub(crate) fn facts(self, run: Run) -> GpuFacts {
        let GpuWatch { name, driver, stop, seen } = self;
        drop(stop);
        // A thread that panicked has seen nothing that can be told.
        seen.join().unwrap_or_default().facts(name, driver, run)
    }
}

impl Seen {
    fn look(&mut self, nvml: &Nvml, index: u32, start: Instant) {
        let at_s = start.elapsed().as_secs_f64();
        let gpu = nvml.device_by_index(index).map_err(|error| error.to_string());
        let gpu = gpu.as_ref().map_err(Clone::clone);
        let number = |what: fn(&Device) -> Result<u32, NvmlError>, unit: f64| {
            gpu.clone()
                .and_then(|gpu| what(gpu).map_err(|error| error.to_string()))
                .map(|value| f64::from(value) * unit)
        };
        let look = Look {
            at_s,
            sm_clock_hz: number(|gpu| gpu.clock_info(Clock::SM), 1e6),
            memory_clock_hz: number(|gpu| gpu.clock_info(Clock::Memory), 1e6),
            temperature_c: number(|gpu| gpu.temperature(TemperatureSensor::Gpu), 1.0),
            throttled: gpu
                .clone()
                .and_then(|gpu| throttled(gpu).map_err(|error| error.to_string())),
            processes: gpu.and_then(|gpu| processes(gpu).map_err(|error| error.to_string())),
        };
        for pid in look.processes.iter().flatten() {
            self.programs.entry(*pid).or_insert_with(|| nvml.sys_process_name(*pid, NAME).ok());
        }
        self.looks.push(look);
    }

    fn facts(&self, name: String, driver: Known<String>, run: Run) -> GpuFacts {
        let [first, last] = run.windows_s;
        let during: Vec<&Look> =
            self.looks.iter().filter(|look| (first..=last).contains(&look.at_s)).collect();
        GpuFacts {
            name,
            driver,
            sm_clock_hz: known(range(&during, |look| &look.sm_clock_hz)),
            memory_clock_hz: known(range(&during, |look| &look.memory_clock_hz)),
            temperature_c: known(range(&during, |look| &look.temperature_c)),
            throttled: known(
                all(&during, |look| &look.throttled)
                    .map(|reasons| union(reasons).into_iter().collect()),
            ),
            other_processes: known(self.others(run)),
        }
    }

    /// The processes that are not the crate's. In a container that numbers its own processes, the
    /// driver knows the crate by another number: then a single process that came after the start is
    /// taken for it.
    fn others(&self, run: Run) -> Result<Vec<GpuProcess>, String> {
        let (before, since): (Vec<&Look>, Vec<&Look>) =
            self.looks.iter().partition(|look| look.at_s < run.started_s);
        let seen = |looks: &[&Look]| -> Result<BTreeSet<u32>, String> {
            if looks.is_empty() {
                Ok(BTreeSet::new())
            } else {
                all(looks, |look| &look.processes).map(union)
            }
        };
        let (before, since) = (seen(&before)?, seen(&since)?);
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

/// What holds the clocks back; that there is nothing to do does not count.
fn throttled(gpu: &Device) -> Result<BTreeSet<String>, NvmlError> {
    let reasons = gpu.current_throttle_reasons()?.difference(ThrottleReasons::GPU_IDLE);
    Ok(reasons.iter_names().map(|(name, _)| name.to_string()).collect())
}

/// Those that compute and those that draw; many GPUs cannot draw.
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

/// What all looks showed, at least one.
fn all<'a, T>(
    looks: &[&'a Look],
    of: fn(&Look) -> &Result<T, String>,
) -> Result<Vec<&'a T>, String> {
    if looks.is_empty() {
        return Err(format!(
            "the GPU is looked at every {} s, and the windows were over before",
            EVERY.as_secs_f64()
        ));
    }
    looks.iter().map(|look| of(look).as_ref().map_err(Clone::clone)).collect()
}

fn range(looks: &[&Look], of: fn(&Look) -> &Result<f64, String>) -> Result<[f64; 2], String> {
    let values = all(looks, of)?;
    let limits = |a: [f64; 2], value: &&f64| [a[0].min(**value), a[1].max(**value)];
    Ok(values.iter().fold([f64::INFINITY, f64::NEG_INFINITY], limits))
}

fn union<T: Ord + Clone>(sets: Vec<&BTreeSet<T>>) -> BTreeSet<T> {
    sets.into_iter().flatten().cloned().collect()
}

fn known<T>(result: Result<T, String>) -> Known<T> {
    result.map_or_else(Known::unknown, Known::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(at_s: f64, megahertz: f64, throttled: &[&str], processes: &[u32]) -> Look {
        Look {
            at_s,
            sm_clock_hz: Ok(megahertz * 1e6),
            memory_clock_hz: Err("not supported".into()),
            temperature_c: Ok(50.0),
            throttled: Ok(throttled.iter().map(|reason| (*reason).to_string()).collect()),
            processes: Ok(processes.iter().copied().collect()),
        }
    }

    fn facts(looks: Vec<Look>) -> GpuFacts {
        let programs = BTreeMap::from([(8, Some("python3".to_string()))]);
        let run = Run { started_s: 2.0, windows_s: [3.0, 5.0], pid: 7 };
        Seen { looks, programs }.facts("GPU 0".into(), Known::of("580".into()), run)
    }

    #[test]
    fn clocks_are_those_of_the_windows() {
        let looks = vec![
            look(1.0, 300.0, &["SYNC_BOOST"], &[]),
            look(3.5, 1900.0, &[], &[7]),
            look(4.0, 1500.0, &["SW_POWER_CAP"], &[7]),
            look(5.5, 300.0, &["HW_SLOWDOWN"], &[]),
        ];
        let facts = facts(looks);
        assert_eq!(facts.sm_clock_hz, Known::of([1.5e9, 1.9e9]));
        assert_eq!(facts.memory_clock_hz, Known::unknown("not supported"));
        assert_eq!(facts.temperature_c, Known::of([50.0, 50.0]));
        assert_eq!(facts.throttled, Known::of(vec!["SW_POWER_CAP".to_string()]));
        assert_eq!(facts.other_processes, Known::of(vec![]));
    }

    #[test]
    fn short_windows_leave_it_unknown_and_not_calm() {
        let facts = facts(vec![look(1.0, 300.0, &[], &[]), look(5.5, 300.0, &[], &[])]);
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
    fn others_are_told_from_the_crate() {
        let of = |before: &[u32], since: &[u32]| {
            let facts = facts(vec![look(1.0, 1.0, &[], before), look(4.0, 1.0, &[], since)]);
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
        assert_eq!(of(&[8], &[7]), [8], "what went away was there in the idle reading");
        assert_eq!(of(&[], &[7, 9]), [9], "what came later, too");
        // In a container the driver has other numbers.
        assert_eq!(of(&[8], &[8, 4711]), [8]);
        assert_eq!(of(&[7], &[7, 4711]), [7], "the same number by chance: it was there before");
        assert_eq!(of(&[], &[4711, 4712]), [4711, 4712], "nobody knows which of them it is");
        let named = facts(vec![look(1.0, 1.0, &[], &[8])]).other_processes.value.unwrap();
        assert_eq!(named, [GpuProcess { pid: 8, program: Some("python3".into()) }]);
    }
}
