//! What a training takes of the machine: time, processor time, memory.

use rustix::time::{ClockId, clock_gettime};
use std::time::Instant;

/// Where Linux tells of a process's memory.
const STATUS: &str = "/proc/self/status";

/// Time taken.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Wall time.
    pub wall_s: f64,
    /// Processor time of all threads.
    pub cpu_s: f64,
}

/// Measures from its start.
pub(crate) struct Stopwatch {
    started: Instant,
    cpu_before_s: f64,
}

impl Stopwatch {
    pub(crate) fn start() -> Stopwatch {
        Stopwatch { started: Instant::now(), cpu_before_s: cpu_s() }
    }

    pub(crate) fn read(&self) -> Usage {
        Usage { wall_s: self.started.elapsed().as_secs_f64(), cpu_s: cpu_s() - self.cpu_before_s }
    }
}

/// Processor time of this process so far.
fn cpu_s() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// The largest resident memory of this process so far.
///
/// # Errors
/// Why it is not known.
pub fn peak_rss_bytes() -> Result<u64, String> {
    let status = std::fs::read_to_string(STATUS).map_err(|error| format!("{STATUS}: {error}"))?;
    peak_rss_in(&status).ok_or_else(|| format!("{STATUS} has no valid line VmHWM"))
}

/// From a line like `VmHWM:     1234 kB`, whose unit is always 1,024 bytes.
fn peak_rss_in(status: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peak_memory_as_linux_writes_it() {
        assert_eq!(
            peak_rss_in("Name:\ttrain\nVmPeak:\t    9999 kB\nVmHWM:\t    1234 kB\nVmRSS:\t 1 kB\n"),
            Some(1_263_616)
        );
        for damaged in [
            "",
            "VmRSS:\t 1 kB",
            "VmHWM:\t 12 MB",
            "VmHWM:\t -1 kB",
            "VmHWM:\t 18446744073709551615 kB",
        ] {
            assert_eq!(peak_rss_in(damaged), None, "{damaged:?}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_that_is_used_is_seen() {
        let more = peak_rss_bytes().unwrap() as usize + (16 << 20);
        let block = std::hint::black_box(vec![1u8; more]);
        assert!(peak_rss_bytes().unwrap() >= block.len() as u64);
    }

    #[test]
    fn work_takes_processor_time_of_all_threads() {
        let stopwatch = Stopwatch::start();
        // The other thread's time counts: it works until the clock has moved.
        std::thread::scope(|scope| {
            scope.spawn(|| while stopwatch.read().cpu_s < 0.005 {});
        });
        let usage = stopwatch.read();
        assert!(usage.cpu_s >= 0.005 && usage.wall_s > 0.0, "{usage:?}");
    }
}
