//! State of an NVIDIA GPU during a measurement.

use crate::files::json::Known;
use crate::files::ranges::{PHYSICAL, SIGNED, all_within};
use anyhow::Result;
use serde::{Deserialize, Serialize};

/// The state of a GPU, sampled several times per second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GpuFacts {
    /// Index on the machine and name, e.g. `GPU 0, NVIDIA H100`.
    pub name: String,
    /// Version of the driver.
    pub driver: Known<String>,
    /// Lowest and highest clock of the multiprocessors during the windows.
    pub sm_clock_hz: Known<[f64; 2]>,
    /// Lowest and highest clock of the memory during the windows.
    pub memory_clock_hz: Known<[f64; 2]>,
    /// Lowest and highest temperature during the windows.
    pub temperature_c: Known<[f64; 2]>,
    /// Reasons of the driver for reduced clocks during the windows, e.g. `SW_POWER_CAP`; empty if
    /// there was none.
    pub throttled: Known<Vec<String>>,
    /// Other processes that used memory of the GPU, from the first idle reading to the last; empty
    /// if there were none.
    pub other_processes: Known<Vec<GpuProcess>>,
}

/// A process on a GPU.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GpuProcess {
    /// Process ID.
    pub pid: u32,
    /// Program of the process; `null` if the driver does not know it.
    pub program: Option<String>,
}

impl GpuFacts {
    pub(crate) fn check(&self) -> Result<()> {
        all_within("sm_clock_hz", self.sm_clock_hz.value.into_iter().flatten(), &PHYSICAL)?;
        all_within("memory_clock_hz", self.memory_clock_hz.value.into_iter().flatten(), &PHYSICAL)?;
        all_within("temperature_c", self.temperature_c.value.into_iter().flatten(), &SIGNED)
    }

    /// Returns warnings about the reliability of the measurement, a sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut all = vec![];
        if let Some(reasons) = self.throttled.value.as_ref().filter(|reasons| !reasons.is_empty()) {
            all.push(format!("the GPU's clocks were held back: {}", reasons.join(", ")));
        }
        if let Some(others) =
            self.other_processes.value.as_ref().filter(|others| !others.is_empty())
        {
            let names: Vec<String> = others.iter().map(GpuProcess::to_string).collect();
            all.push(format!("other processes were on the GPU: {}", names.join(", ")));
        }
        all
    }
}

impl std::fmt::Display for GpuProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.program.as_deref().unwrap_or("unknown program"), self.pid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttling_and_other_processes_cause_warnings() {
        let calm = GpuFacts {
            name: "GPU 0".into(),
            driver: Known::unknown("?"),
            sm_clock_hz: Known::of([1e9, 2e9]),
            memory_clock_hz: Known::unknown("?"),
            temperature_c: Known::unknown("?"),
            throttled: Known::of(vec![]),
            other_processes: Known::of(vec![]),
        };
        assert!(calm.warnings().is_empty());
        let others = [
            GpuProcess { pid: 7, program: None },
            GpuProcess { pid: 8, program: Some("python3".into()) },
        ];
        let busy = GpuFacts {
            throttled: Known::of(vec!["SW_POWER_CAP".into(), "HW_SLOWDOWN".into()]),
            other_processes: Known::of(others.to_vec()),
            ..calm
        };
        let warnings = busy.warnings().join("; ");
        assert!(warnings.contains("held back: SW_POWER_CAP, HW_SLOWDOWN"), "{warnings}");
        assert!(warnings.contains("on the GPU: unknown program (7), python3 (8)"), "{warnings}");
    }
}
