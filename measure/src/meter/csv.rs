//! A logger's file: watts with the time of each, matched to the measurement by time.
//!
//! One sample a line, `unix_s,watts`, in order of time. A first line with names may say which
//! columns these two are; other columns are ignored. The logger's clock must be that of the machine
//! that measures, or in step with it.

mod clock;
mod columns;
mod samples;

use crate::instruments::unix_s;
use crate::interrupt;
use crate::meter::counter::{Fault, Interval};
use anyhow::{Context, Result, anyhow};
use common::hash::sha256_hex;
use common::measurement::{EnergyStatus, PowerLog};
use samples::Samples;
use std::collections::BTreeSet;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Between samples further apart than this, power may have been anything.
const LONGEST_GAP_S: f64 = 2.0;
/// Where more than this share of the lines are no samples, those that are may not be all that
/// matters.
const UNUSABLE: f64 = 0.1;
/// How long a logger may take to write what it has seen.
const LATE: Duration = Duration::from_secs(10);
/// A clock that was set by more than this during the measurement does not tell which sample belongs
/// where.
const CLOCK_SET_S: f64 = 0.1;

/// A log that is written while it is measured.
#[derive(Debug)]
pub(crate) struct Log(PathBuf);

impl Log {
    /// The log, which must be there already. Nothing may have been logged yet.
    ///
    /// # Errors
    /// It is not, or it is none, or its last time is not about now.
    pub(crate) fn open(file: &Path) -> Result<Log> {
        let (_, log) = read(file)?;
        check_end(&log, unix_s()).map_err(|why| anyhow!("{}: {why}", file.display()))?;
        Ok(Log(file.to_path_buf()))
    }

    /// Fills in the energy of intervals that have passed. `started_unix_s` is when their times
    /// began to count, and `clock_set_by_s` by how much the clock was set since. Returns what is to
    /// be kept of the log, and the time between its samples.
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
        let read = read.map(|(bytes, log)| (bytes, since(log, started_unix_s)));
        let fault = |reason| Fault { status: EnergyStatus::Invalid, reason };
        let mut kept = BTreeSet::new();
        for interval in intervals {
            let times = [interval.t0_s, interval.t1_s];
            let joules = match &read {
                Err(error) => Err(format!("{error:#}")),
                Ok(_) if clock_set_by_s.abs() > CLOCK_SET_S => {
                    Err(format!("this machine's clock was set by {clock_set_by_s:.3} s meanwhile"))
                }
                Ok((_, log)) => around(log, times, [started_unix_s, unix_s()]).and_then(|range| {
                    kept.extend(range.clone());
                    energy(&log.samples[range], times)
                }),
            };
            interval.energy = joules.map(|joules| Some((joules, 0))).map_err(fault);
        }
        let Ok((bytes, Samples { samples, .. })) = read else { return Ok((None, None)) };
        let passed =
            samples.iter().map(|sample| sample.at_s).filter(|at_s| (0.0..=end_s).contains(at_s));
        let passed: Vec<f64> = passed.collect();
        let tick_s = passed.first().zip(passed.last()).filter(|_| passed.len() > 1);
        let tick_s = tick_s.map(|(first, last)| (last - first) / (passed.len() - 1) as f64);
        let samples =
            kept.into_iter().map(|index| [samples[index].at_s, samples[index].watts]).collect();
        Ok((
            Some(PowerLog {
                file: self.0.display().to_string(),
                sha256: sha256_hex(&bytes),
                samples,
            }),
            tick_s,
        ))
    }

    /// Reads the log, again and again until it has come to this time or is too late.
    fn wait_until(&self, unix_s: f64) -> Result<(Vec<u8>, Samples)> {
        let start = Instant::now();
        loop {
            let (bytes, log) = read(&self.0)?;
            if log.samples.last().is_some_and(|last| last.at_s >= unix_s) || start.elapsed() > LATE
            {
                return Ok((bytes, log));
            }
            interrupt::sleep(Duration::from_millis(200))?;
        }
    }
}

/// Power at one time.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sample {
    at_s: f64,
    watts: f64,
}

fn read(file: &Path) -> Result<(Vec<u8>, Samples)> {
    let bytes =
        fs::read(file).with_context(|| format!("{}: cannot read the power log", file.display()))?;
    let log = samples::parse(&bytes).with_context(|| format!("{}", file.display()))?;
    Ok((bytes, log))
}

/// That what a log ends with can be of now.
fn check_end(log: &Samples, now_s: f64) -> Result<(), String> {
    let Some(last) = log.samples.last() else { return Ok(()) };
    if let Some((line, until_s)) = log.back.filter(|(_, until_s)| *until_s > last.at_s) {
        return Err(went_back(line, until_s));
    }
    let unusable = log.unusable.last().filter(|unusable| unusable.at_s >= last.at_s);
    let unusable =
        unusable.map_or_else(String::new, |unusable| format!(" ({})", unusable.reason()));
    clock::check(last.at_s, now_s).map_err(|why| why + &unusable)
}

fn went_back(line: usize, until_s: f64) -> String {
    format!(
        "line {line}: its time is not after that of the line before; was the logger's clock set? There are two series of times \
         up to {until_s:.3}"
    )
}

/// The same log, its times in seconds since this one: the intervals' own clock, in which they are
/// kept.
fn since(log: Samples, started_s: f64) -> Samples {
    let mut log = log;
    log.samples.iter_mut().for_each(|sample| sample.at_s -= started_s);
    log.unusable.iter_mut().for_each(|unusable| unusable.at_s -= started_s);
    log.back.iter_mut().for_each(|(_, until_s)| *until_s -= started_s);
    log
}

/// The samples between two times, and one before and after. `started_s` is the Unix time of their
/// 0.
fn around(
    log: &Samples,
    [t0_s, t1_s]: [f64; 2],
    [started_s, now_s]: [f64; 2],
) -> Result<RangeInclusive<usize>, String> {
    let samples = &log.samples;
    if let Some((line, until_s)) = log.back.filter(|(_, until_s)| *until_s >= t0_s) {
        return Err(went_back(line, until_s + started_s));
    }
    let first = samples.iter().rposition(|sample| sample.at_s <= t0_s);
    let last = samples.iter().position(|sample| sample.at_s >= t1_s);
    let Some((first, last)) = first.zip(last) else {
        return Err(uncovered(log, [t0_s + started_s, t1_s + started_s], [started_s, now_s]));
    };
    let within = samples[first].at_s..=samples[last].at_s;
    let mut unusable = log.unusable.iter().filter(|unusable| within.contains(&unusable.at_s));
    let count = unusable.clone().count();
    if let Some(unusable) =
        unusable.next().filter(|_| count > 1 && count as f64 > UNUSABLE * (last - first) as f64)
    {
        return Err(format!(
            "{count} lines of the power log in that time are no samples, such as {}",
            unusable.reason()
        ));
    }
    let gaps = samples[first..=last].windows(2).map(|pair| pair[1].at_s - pair[0].at_s);
    match gaps.fold(0.0, f64::max) {
        gap_s if gap_s > LONGEST_GAP_S => Err(format!(
            "the power log has no sample for {gap_s:.1} s, and needs one every {LONGEST_GAP_S} s{}",
            too_few_digits(log)
        )),
        _ => Ok(first..=last),
    }
}

/// Why a log says nothing of some time; all in Unix time.
fn uncovered(log: &Samples, [t0_s, t1_s]: [f64; 2], [started_s, now_s]: [f64; 2]) -> String {
    let wanted = format!("the power log does not cover that time, {t0_s:.3} to {t1_s:.3}");
    let Some((first, last)) = log.samples.first().zip(log.samples.last()) else {
        return format!("{wanted}, for it has no samples");
    };
    let [first_s, last_s] = [first, last].map(|sample| sample.at_s + started_s);
    let why = match clock::check(last_s, now_s) {
        Err(_) => clock::guess(last_s, now_s),
        Ok(()) if last_s < t1_s => "does the logger run, and write at once?".to_string(),
        Ok(()) => "start the logger first".to_string(),
    };
    format!("{wanted}, but {first_s:.3} to {last_s:.3}; {why}{}", too_few_digits(log))
}

fn too_few_digits(log: &Samples) -> &'static str {
    if log.repeated {
        " (several samples have one time: have its times too few digits?)"
    } else {
        ""
    }
}

/// Energy between two times from the samples around them, by the trapezoidal rule; at both of them
/// power is interpolated.
fn energy(around: &[Sample], [t0_s, t1_s]: [f64; 2]) -> Result<f64, String> {
    let mut joules = 0.0;
    for pair in around.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let watts = |at_s: f64| a.watts + (b.watts - a.watts) * (at_s - a.at_s) / (b.at_s - a.at_s);
        let (from_s, to_s) = (a.at_s.max(t0_s), b.at_s.min(t1_s));
        joules += (to_s - from_s) * (watts(from_s) + watts(to_s)) / 2.0;
    }
    if joules > 0.0 {
        Ok(joules)
    } else if around.iter().all(|sample| sample.watts == 0.0) {
        Err("the power log has only zeros for that time".to_string())
    } else {
        Err("the power log is below zero for that time; is the sensor the wrong way round?"
            .to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at_s: f64, watts: f64) -> Sample {
        Sample { at_s, watts }
    }

    /// The energy of a log of these samples, which is read soon after.
    fn energy(samples: &[Sample], times: [f64; 2]) -> Result<f64, String> {
        energy_of(&Samples { samples: samples.to_vec(), ..Samples::default() }, times)
    }

    fn energy_of(log: &Samples, times: [f64; 2]) -> Result<f64, String> {
        let now_s = NOW + times[1] + 1.0;
        around(log, times, [NOW, now_s]).and_then(|range| super::energy(&log.samples[range], times))
    }

    /// A log whose times are seconds after the measurement's start.
    fn log(text: &str) -> Samples {
        samples::parse(text.as_bytes()).unwrap()
    }

    const NOW: f64 = 1_795_912_850.0;

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
        assert!(
            energy(&[sample(0.0, 0.0), sample(1.0, 0.0)], [0.0, 1.0])
                .unwrap_err()
                .contains("only zeros")
        );
        assert!(energy(&[], [0.0, 1.0]).unwrap_err().contains("has no samples"));
        let noise = [sample(0.0, -1e-4), sample(1.0, -3e-4), sample(2.0, 1e-4)];
        assert!(energy(&noise, [0.0, 2.0]).unwrap_err().contains("the wrong way round?"));
    }

    #[test]
    fn a_time_that_is_not_covered_is_shown_with_that_which_is() {
        let covers = |first_s: f64, last_s: f64| {
            let samples = [sample(first_s - NOW, 4.0), sample(last_s - NOW, 4.0)];
            energy(&samples, [10.0, 20.0]).unwrap_err()
        };
        let said = covers(NOW * 1e3, (NOW + 30.0) * 1e3);
        assert!(
            said.contains(
                "not cover that time, 1795912860.000 to 1795912870.000, but 1795912850000.000 to"
            ),
            "{said}"
        );
        assert!(said.contains("are its times milliseconds?"), "{said}");
        assert!(
            covers(NOW + 3600.0, NOW + 3630.0)
                .contains("that is 1 h ahead: are its times local time")
        );
        assert!(covers(NOW, NOW + 15.0).contains("does the logger run, and write at once?"));
        assert!(covers(NOW + 15.0, NOW + 21.0).contains("start the logger first"));
        assert!(covers(1.0, 30.0).contains("since the logger was started?"));
    }

    #[test]
    fn lines_that_are_no_samples_matter_where_they_lie() {
        let steady: String = (0..60).map(|i| format!("{},4\n", f64::from(i) / 2.0)).collect();
        let of = |wrong: &str| log(&steady.replace("\n20,4\n20.5,4\n", &format!("\n{wrong}\n")));
        for wrong in ["20,nan\n20.5,4", "20,4\n\"", "-\n20.5,4", "20,-9\n20.5,4"] {
            let log = of(wrong);
            assert_eq!(
                (energy_of(&log, [15.0, 25.0]), log.unusable.len()),
                (Ok(40.0), 1),
                "{wrong}"
            );
        }
        let two = of("20,nan\n20.5,nan");
        assert!(energy_of(&two, [18.0, 22.0]).unwrap_err().contains(
            "2 lines of the power log in that time are no samples, such as line 41: \"nan\""
        ));
        assert_eq!(energy_of(&two, [5.0, 9.0]), Ok(16.0));
        assert_eq!(energy_of(&two, [5.0, 25.0]), Ok(80.0), "2 of 39");
        let gap = of(&["20,nan"; 5].join("\n"));
        assert!(energy_of(&gap, [5.0, 9.0]).is_ok() && energy_of(&gap, [15.0, 25.0]).is_err());
    }

    #[test]
    fn where_times_go_back_there_are_two_series() {
        let back = log("0,4\n1,4\n2,4\n3,4\n0.5,4\n1.5,4\n2.5,4\n3.5,4\n4.5,4\n5.5,4\n");
        assert!(
            energy_of(&back, [2.5, 4.0]).unwrap_err().contains("line 5: its time is not after")
        );
        assert_eq!(energy_of(&back, [3.5, 5.0]), Ok(6.0));
        assert!(
            check_end(&log("2,1\n3,1\n2.5,1\n"), 2.5)
                .unwrap_err()
                .contains("line 3: its time is not after")
        );
        assert!(check_end(&back, 5.5).is_ok());
    }

    #[test]
    fn times_with_too_few_digits_are_told() {
        let minutes = log("0,4\n0,4\n60,4\n60,4\n120,4\n120,4\n");
        assert!(
            energy_of(&minutes, [10.0, 70.0])
                .unwrap_err()
                .contains("have its times too few digits?")
        );
        assert!(
            energy_of(&minutes, [70.0, 130.0])
                .unwrap_err()
                .contains("have its times too few digits?")
        );
    }

    #[test]
    fn a_log_that_ends_far_from_now_is_no_log_of_now() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("power.csv");
        let opened = |text: String| {
            fs::write(&file, text).unwrap();
            Log::open(&file).map_err(|error| format!("{error:#}"))
        };
        assert!(
            opened(String::new()).is_ok() && opened("unix_s,watts\n".into()).is_ok(),
            "nothing is logged yet"
        );
        assert!(opened(format!("{},4\n{},4\n", unix_s() - 2.0, unix_s() - 1.0)).is_ok());
        let error =
            opened(format!("{},4\n{},nan\n", unix_s() - 3600.0, unix_s() - 1.0)).unwrap_err();
        assert!(
            error.contains("power.csv: its last time is ")
                && error.contains(" (line 2: \"nan\" is no power"),
            "{error}"
        );
    }

    #[test]
    fn a_clock_that_was_set_spoils_the_match() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("power.csv");
        fs::write(&file, "unix_s,watts\n100,4\n101,4\n102,4\n").unwrap();
        let log = Log(file);
        let filled = |clock_set_by_s| {
            let mut interval =
                Interval { t0_s: 0.5, t1_s: 1.5, counters: vec![], energy: Ok(None) };
            let said = log.fill(&mut [&mut interval], 100.0, clock_set_by_s).unwrap();
            (interval.energy, said)
        };
        let (energy, (said, tick_s)) = filled(0.01);
        assert_eq!((energy, tick_s), (Ok(Some((4.0, 0))), Some(1.0)));
        assert_eq!(said.unwrap().samples, [[0.0, 4.0], [1.0, 4.0], [2.0, 4.0]]);
        for set_by_s in [-3600.0, 0.2] {
            let fault = filled(set_by_s).0.unwrap_err();
            assert!(
                fault.status == EnergyStatus::Invalid && fault.reason.contains("clock was set"),
                "{fault:?}"
            );
        }
    }
}
