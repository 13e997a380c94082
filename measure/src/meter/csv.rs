//! A logger's file: watts with the time of each, matched to the measurement by time.
//!
//! One sample a line, `unix_s,watts`, in order of time. A first line with names may say which columns these two are;
//! other columns are ignored. The logger's clock must be that of the machine that measures, or in step with it.

use crate::interrupt;
use crate::meter::counter::{Fault, Interval};
use anyhow::{Context, Result, bail, ensure};
use common::hash::sha256_hex;
use common::measurement::{EnergyStatus, PowerLog};
use std::collections::BTreeSet;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Between samples further apart than this, power may have been anything.
const LONGEST_GAP_S: f64 = 2.0;
/// How long a logger may take to write what it has seen.
const LATE: Duration = Duration::from_secs(10);
/// A clock that was set by more than this during the measurement does not tell which sample belongs where.
const CLOCK_SET_S: f64 = 0.1;

/// A log that is written while it is measured.
#[derive(Debug)]
pub(crate) struct Log(PathBuf);

impl Log {
    /// The log, which must be there already.
    ///
    /// # Errors
    /// It is not, or it is none.
    pub(crate) fn open(file: &Path) -> Result<Log> {
        read(file).map(|_| Log(file.to_path_buf()))
    }

    /// Fills in the energy of intervals that have passed. `started_unix_s` is when their times began to count, and
    /// `clock_set_by_s` by how much the clock was set since. Returns what is to be kept of the log, and the time between
    /// its samples.
    ///
    /// # Errors
    /// Waiting for the log was interrupted.
    pub(crate) fn fill(
        &self,
        intervals: &mut [&mut Interval],
        started_unix_s: f64,
        clock_set_by_s: f64,
    ) -> Result<(Option<PowerLog>, Option<f64>)> {
        let end_s = intervals.iter().map(|interval| interval.t1_s).fold(0.0, f64::max);
        let read = self.wait_until(started_unix_s + end_s);
        interrupt::check()?;
        let read = read.map(|(bytes, samples)| {
            // As seconds of the intervals' own clock, in which they are kept.
            let at = |sample: &Sample| Sample { at_s: sample.at_s - started_unix_s, ..*sample };
            (bytes, samples.iter().map(at).collect::<Vec<_>>())
        });
        let fault = |reason| Fault { status: EnergyStatus::Invalid, reason };
        let mut kept = BTreeSet::new();
        for interval in intervals {
            let times = [interval.t0_s, interval.t1_s];
            let joules = match &read {
                Err(error) => Err(format!("{error:#}")),
                Ok(_) if clock_set_by_s.abs() > CLOCK_SET_S => {
                    Err(format!("this machine's clock was set by {clock_set_by_s:.3} s meanwhile"))
                }
                Ok((_, samples)) => around(samples, times).and_then(|range| {
                    kept.extend(range.clone());
                    energy(&samples[range], times)
                }),
            };
            interval.energy = joules.map(|joules| Some((joules, 0))).map_err(fault);
        }
        let Ok((bytes, samples)) = read else { return Ok((None, None)) };
        let passed = samples.iter().map(|sample| sample.at_s).filter(|at_s| (0.0..=end_s).contains(at_s));
        let passed: Vec<f64> = passed.collect();
        let tick_s = passed.first().zip(passed.last()).filter(|_| passed.len() > 1);
        let tick_s = tick_s.map(|(first, last)| (last - first) / (passed.len() - 1) as f64);
        let samples = kept.into_iter().map(|index| [samples[index].at_s, samples[index].watts]).collect();
        Ok((Some(PowerLog { file: self.0.display().to_string(), sha256: sha256_hex(&bytes), samples }), tick_s))
    }

    /// Reads the log, again and again until it has come to this time or is too late.
    fn wait_until(&self, unix_s: f64) -> Result<(Vec<u8>, Vec<Sample>)> {
        let start = Instant::now();
        loop {
            let (bytes, samples) = read(&self.0)?;
            if samples.last().is_some_and(|last| last.at_s >= unix_s) || start.elapsed() > LATE {
                return Ok((bytes, samples));
            }
            interrupt::sleep(Duration::from_millis(200))?;
        }
    }
}

/// One line of a log.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sample {
    at_s: f64,
    watts: f64,
}

fn read(file: &Path) -> Result<(Vec<u8>, Vec<Sample>)> {
    let bytes = fs::read(file).with_context(|| format!("{}: cannot read the power log", file.display()))?;
    let samples = parse(&String::from_utf8_lossy(&bytes)).with_context(|| format!("{}", file.display()))?;
    Ok((bytes, samples))
}

/// All samples but a last line that is not yet whole.
fn parse(text: &str) -> Result<Vec<Sample>> {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut columns = [0, 1];
    let mut samples: Vec<Sample> = vec![];
    for (index, line) in whole.lines().enumerate() {
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        if index == 0 && cells[0].parse::<f64>().is_err() {
            columns = named_columns(&cells)?;
            continue;
        }
        let cell =
            |column: usize| cells.get(column).and_then(|cell| cell.parse::<f64>().ok()).filter(|x| x.is_finite());
        let number = index + 1;
        let (Some(unix_s), Some(watts)) = (cell(columns[0]), cell(columns[1])) else {
            bail!("line {number}: {line:?} has no time and power; a line is such as 1764080000.125,5.31");
        };
        ensure!(watts >= 0.0, "line {number}: {watts} W; is the sensor the wrong way round?");
        let after = samples.last().is_none_or(|last| last.at_s < unix_s);
        ensure!(after, "line {number}: its time is not after that of the line before; was the logger's clock set?");
        samples.push(Sample { at_s: unix_s, watts });
    }
    Ok(samples)
}

fn named_columns(names: &[&str]) -> Result<[usize; 2]> {
    let column = |name: &str| {
        let found = names.iter().position(|found| *found == name);
        found.with_context(|| format!("line 1: no column is named {name:?}; unix_s and watts are needed"))
    };
    Ok([column("unix_s")?, column("watts")?])
}

/// The samples between two times, and one before and after.
fn around(samples: &[Sample], [t0_s, t1_s]: [f64; 2]) -> Result<RangeInclusive<usize>, String> {
    let first = samples.iter().rposition(|sample| sample.at_s <= t0_s);
    let last = samples.iter().position(|sample| sample.at_s >= t1_s);
    let both = first.zip(last).map(|(first, last)| first..=last);
    both.ok_or_else(|| "the power log does not cover that time".to_string())
}

/// Energy between two times from the samples around them, by the trapezoidal rule; at both of them power is interpolated.
fn energy(around: &[Sample], [t0_s, t1_s]: [f64; 2]) -> Result<f64, String> {
    let mut joules = 0.0;
    for pair in around.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let gap_s = b.at_s - a.at_s;
        if gap_s > LONGEST_GAP_S {
            return Err(format!("the power log has no sample for {gap_s:.1} s"));
        }
        let watts = |at_s: f64| a.watts + (b.watts - a.watts) * (at_s - a.at_s) / gap_s;
        let (from_s, to_s) = (a.at_s.max(t0_s), b.at_s.min(t1_s));
        joules += (to_s - from_s) * (watts(from_s) + watts(to_s)) / 2.0;
    }
    if joules > 0.0 { Ok(joules) } else { Err("the power log has only zeros for that time".to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at_s: f64, watts: f64) -> Sample {
        Sample { at_s, watts }
    }

    fn energy(samples: &[Sample], times: [f64; 2]) -> Result<f64, String> {
        around(samples, times).and_then(|range| super::energy(&samples[range], times))
    }

    fn error_of(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn columns_may_be_named_and_a_torn_line_is_left_for_later() {
        let two = [sample(1.5, 5.0), sample(2.0, 0.0)];
        assert_eq!(parse("1.5,5\n2,0\n3,").unwrap(), two);
        assert_eq!(parse("volts, watts, unix_s\n5.1, 5, 1.5\n5.1, 0, 2\n").unwrap(), two);
        assert_eq!(parse("").unwrap(), []);
    }

    #[test]
    fn what_is_no_log_is_named_by_its_line() {
        assert!(error_of("time,power\n1,2\n").contains("line 1: no column is named \"unix_s\""));
        assert!(error_of("1,2\n2;3\n").contains("line 2: \"2;3\" has no time and power"));
        assert!(error_of("1,NaN\n").contains("line 1"));
        assert!(error_of("1,-2\n").contains("line 1: -2 W"));
        assert!(error_of("2,1\n3,1\n2.5,1\n").contains("line 3: its time is not after"));
        assert!(error_of("2,1\n2,1\n").contains("line 2: its time is not after"));
    }

    #[test]
    fn energy_between_samples_is_interpolated() {
        let ramp: Vec<Sample> = (0..=8).map(|i| sample(f64::from(i) * 0.5, f64::from(i))).collect();
        // Power is 2t: its integral from 0.75 to 3.25 is 3.25^2 - 0.75^2.
        let joules = energy(&ramp, [0.75, 3.25]).unwrap();
        assert!((joules - 10.0).abs() < 1e-12, "{joules}");
        assert_eq!(energy(&ramp, [0.0, 4.0]), Ok(16.0));
        // Within one pair of samples.
        assert!((energy(&ramp, [0.6, 0.9]).unwrap() - 0.45).abs() < 1e-12);
    }

    #[test]
    fn time_without_samples_has_no_energy() {
        let log = [sample(0.0, 2.0), sample(1.0, 2.0), sample(3.5, 2.0), sample(4.0, 2.0)];
        assert_eq!(energy(&log, [0.0, 1.0]), Ok(2.0));
        assert!(energy(&log, [0.5, 3.6]).unwrap_err().contains("no sample for 2.5 s"));
        for outside in [[-0.1, 1.0], [3.6, 4.1]] {
            assert!(energy(&log, outside).unwrap_err().contains("does not cover"));
        }
        assert!(energy(&[sample(0.0, 0.0), sample(1.0, 0.0)], [0.0, 1.0]).unwrap_err().contains("only zeros"));
        assert!(energy(&[], [0.0, 1.0]).is_err());
    }

    #[test]
    fn a_clock_that_was_set_spoils_the_match() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("power.csv");
        fs::write(&file, "unix_s,watts\n100,4\n101,4\n102,4\n").unwrap();
        let log = Log::open(&file).unwrap();
        let filled = |clock_set_by_s| {
            let mut interval = Interval { t0_s: 0.5, t1_s: 1.5, counters: vec![], energy: Ok(None) };
            let said = log.fill(&mut [&mut interval], 100.0, clock_set_by_s).unwrap();
            (interval.energy, said)
        };
        let (energy, (said, tick_s)) = filled(0.01);
        assert_eq!((energy, tick_s), (Ok(Some((4.0, 0))), Some(1.0)));
        assert_eq!(said.unwrap().samples, [[0.0, 4.0], [1.0, 4.0], [2.0, 4.0]]);
        for set_by_s in [-3600.0, 0.2] {
            let fault = filled(set_by_s).0.unwrap_err();
            assert!(fault.status == EnergyStatus::Invalid && fault.reason.contains("clock was set"), "{fault:?}");
        }
    }
}
