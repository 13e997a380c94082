//! A log that a logger writes while the board is measured.

use super::coverage::{check_end, covering, energy};
use super::parse::parse;
use super::samples::{PowerSample, PowerSamples};
use crate::host::unix_s;
use crate::interrupt::INTERRUPT;
use crate::meter::interval::{Fault, Interval};
use crate::reason::Reason;
use anyhow::{Context, Result, anyhow};
use common::files::hash::sha256_hex;
use common::measurement::{EnergyStatus, PowerLog};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longest time that a logger may take to write its samples.
const MAX_DELAY: Duration = Duration::from_secs(10);
/// If this machine's clock was set by more than this during the measurement, samples cannot be
/// matched by time.
const MAX_CLOCK_SET_S: f64 = 0.1;

/// A log that a logger writes while the board is measured.
#[derive(Debug)]
pub(crate) struct CsvLog(PathBuf);

/// The result of [`CsvLog::fill`].
#[derive(Debug, Default)]
pub(crate) struct Filled {
    /// The part of the log that is kept in the record; `None` if the log cannot be read.
    pub(crate) log: Option<PowerLog>,
    /// Mean time between two samples in seconds, if there are several.
    pub(crate) tick_s: Option<f64>,
}

impl CsvLog {
    /// Opens a log. The file must exist, but need not contain samples yet.
    ///
    /// # Errors
    /// Fails if the file cannot be read, is not a log, or does not end at about the present time.
    pub(crate) fn open(file: &Path) -> Result<CsvLog> {
        let (_, log) = read(file)?;
        check_end(&log, unix_s()).map_err(|reason| anyhow!("{}: {reason}", file.display()))?;
        Ok(CsvLog(file.to_path_buf()))
    }

    /// Computes the energy of past intervals, whose times count from `started_unix_s`. Since then,
    /// this machine's clock has been set forward by `clock_set_by_s`.
    ///
    /// # Errors
    /// Fails if a termination signal has been received while it waited for the log.
    pub(crate) fn fill(
        &self,
        intervals: &mut [&mut Interval],
        started_unix_s: f64,
        clock_set_by_s: f64,
    ) -> Result<Filled> {
        let end_s = intervals.iter().map(|interval| interval.t1_s).fold(0.0, f64::max);
        let read = self.wait_until(started_unix_s + end_s);
        INTERRUPT.check()?;
        let read = read.map(|(bytes, log)| (bytes, log.since(started_unix_s)));
        let mut kept = BTreeSet::new();
        for interval in intervals {
            let times = [interval.t0_s, interval.t1_s];
            let joules: Result<f64, Reason> = match &read {
                Err(error) => Err(format!("{error:#}").into()),
                Ok(_) if clock_set_by_s.abs() > MAX_CLOCK_SET_S => {
                    Err(format!("this machine's clock was set by {clock_set_by_s:.3} s meanwhile")
                        .into())
                }
                Ok((_, log)) => {
                    covering(log, times, [started_unix_s, unix_s()]).and_then(|range| {
                        kept.extend(range.clone());
                        energy(&log.samples[range], times)
                    })
                }
            };
            interval.energy = joules
                .map(|joules| Some((joules, 0)))
                .map_err(|reason| Fault { status: EnergyStatus::Invalid, reason });
        }
        let Ok((bytes, PowerSamples { samples, .. })) = read else { return Ok(Filled::default()) };
        let tick_s = mean_tick_s(&samples, end_s);
        let (file, sha256) = (self.0.display().to_string(), sha256_hex(&bytes));
        let samples =
            kept.into_iter().map(|index| [samples[index].at_s, samples[index].watts]).collect();
        Ok(Filled { log: Some(PowerLog { file, sha256, samples }), tick_s })
    }

    /// Reads the log repeatedly, until it extends to a Unix time or the logger is too late.
    fn wait_until(&self, unix_s: f64) -> Result<(Vec<u8>, PowerSamples)> {
        let start = Instant::now();
        loop {
            let (bytes, log) = read(&self.0)?;
            let complete = log.samples.last().is_some_and(|last| last.at_s >= unix_s);
            if complete || start.elapsed() > MAX_DELAY {
                return Ok((bytes, log));
            }
            INTERRUPT.sleep(Duration::from_millis(200))?;
        }
    }
}

/// Returns the mean time between the samples from 0 to `end_s`.
fn mean_tick_s(samples: &[PowerSample], end_s: f64) -> Option<f64> {
    let times: Vec<f64> = samples
        .iter()
        .map(|sample| sample.at_s)
        .filter(|at_s| (0.0..=end_s).contains(at_s))
        .collect();
    match times[..] {
        [first, .., last] => Some((last - first) / (times.len() - 1) as f64),
        [] | [_] => None,
    }
}

fn read(file: &Path) -> Result<(Vec<u8>, PowerSamples)> {
    let bytes =
        fs::read(file).with_context(|| format!("{}: cannot read the power log", file.display()))?;
    let log = parse(&bytes).with_context(|| format!("{}", file.display()))?;
    Ok((bytes, log))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_ends_far_from_now_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("power.csv");
        let opened = |text: String| {
            fs::write(&file, text).unwrap();
            CsvLog::open(&file).map_err(|error| format!("{error:#}"))
        };
        assert!(
            opened(String::new()).is_ok() && opened("unix_s,watts\n".into()).is_ok(),
            "nothing has been logged yet"
        );
        assert!(opened(format!("{},4\n{},4\n", unix_s() - 2.0, unix_s() - 1.0)).is_ok());
        let error =
            opened(format!("{},4\n{},nan\n", unix_s() - 3600.0, unix_s() - 1.0)).unwrap_err();
        assert!(
            error.contains("power.csv: its last time is ")
                && error.contains(" (line 2: \"nan\" is not a power"),
            "{error}"
        );
    }

    #[test]
    fn energy_is_invalid_if_the_clock_was_set() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("power.csv");
        fs::write(&file, "unix_s,watts\n100,4\n101,4\n102,4\n").unwrap();
        let log = CsvLog(file);
        let filled = |clock_set_by_s| {
            let mut interval =
                Interval { t0_s: 0.5, t1_s: 1.5, counters: vec![], energy: Ok(None) };
            let filled = log.fill(&mut [&mut interval], 100.0, clock_set_by_s).unwrap();
            (interval.energy, filled)
        };
        let (energy, Filled { log, tick_s }) = filled(0.01);
        assert_eq!((energy, tick_s), (Ok(Some((4.0, 0))), Some(1.0)));
        assert_eq!(log.unwrap().samples, [[0.0, 4.0], [1.0, 4.0], [2.0, 4.0]]);
        for set_by_s in [-3600.0, 0.2] {
            let fault = filled(set_by_s).0.unwrap_err();
            assert!(
                fault.status == EnergyStatus::Invalid
                    && fault.reason.as_str().contains("clock was set"),
                "{fault:?}"
            );
        }
    }
}
