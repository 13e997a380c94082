//! The resources that a training uses: wall time, processor time, memory.

use rustix::time::{ClockId, clock_gettime};
use std::time::Instant;

/// The file in which Linux reports a process's memory.
const STATUS: &str = "/proc/self/status";

/// The time that a training used.
#[derive(Clone, Copy, Debug)]
pub struct Resources {
    /// Wall time.
    pub wall_s: f64,
    /// Processor time of all threads.
    pub cpu_s: f64,
}

/// Measures the time since its start.
pub(crate) struct Stopwatch {
    started: Instant,
    cpu_before_s: f64,
}

impl Stopwatch {
    /// Starts measuring.
    pub(crate) fn start() -> Stopwatch {
        Stopwatch { started: Instant::now(), cpu_before_s: cpu_s() }
    }

    /// Returns the time since the start.
    pub(crate) fn read(&self) -> Resources {
        Resources {
            wall_s: self.started.elapsed().as_secs_f64(),
            cpu_s: cpu_s() - self.cpu_before_s,
        }
    }
}

/// Returns the processor time of this process so far.
fn cpu_s() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Returns the largest resident memory of this process so far.
///
/// # Errors
/// Returns the reason if the system does not report it.
pub fn peak_rss_bytes() -> Result<u64, String> {
    let status = std::fs::read_to_string(STATUS).map_err(|error| format!("{STATUS}: {error}"))?;
    peak_rss_in(&status).ok_or_else(|| format!("{STATUS} has no valid line VmHWM"))
}

/// Reads a line like `VmHWM:     1234 kB`, whose unit is always 1,024 bytes.
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
    fn allocated_memory_counts() {
        let more = peak_rss_bytes().unwrap() as usize + (16 << 20);
        let block = std::hint::black_box(vec![1u8; more]);
        assert!(peak_rss_bytes().unwrap() >= block.len() as u64);
    }

    #[test]
    fn processor_time_counts_all_threads() {
        let stopwatch = Stopwatch::start();
        // The other thread works until the clock has moved.
        std::thread::scope(|scope| {
            scope.spawn(|| while stopwatch.read().cpu_s < 0.005 {});
        });
        let used = stopwatch.read();
        assert!(used.cpu_s >= 0.005 && used.wall_s > 0.0, "{used:?}");
    }
}
