//! The energy of an interval of time, from the readings of a meter's counters.

use super::counter::{Advance, Counter, total_advance};
use crate::reason::Reason;
use common::measurement::{CounterReading, EnergyStatus};

/// The values of all counters of a meter at one moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reading {
    /// Seconds since the measurement's start.
    pub(crate) at_s: f64,
    /// One value for each counter, none without a meter; or why the counters could not be read.
    pub(crate) values: Result<Vec<u64>, Reason>,
}

/// A fault because of which the energy of an interval is not known.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    /// Status of the energy: unavailable or invalid.
    pub(crate) status: EnergyStatus,
    /// Description of the fault.
    pub(crate) reason: Reason,
}

/// The time between two readings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Interval {
    /// Time of the first reading, in seconds since the measurement's start.
    pub(crate) t0_s: f64,
    /// Time of the last reading, in seconds since the measurement's start.
    pub(crate) t1_s: f64,
    /// Each counter at both ends; empty without a meter, and if it could not be read.
    pub(crate) counters: Vec<CounterReading>,
    /// Energy in joules and number of wraps, `None` without a meter; or why they are not known.
    pub(crate) energy: Result<Option<(f64, u64)>, Fault>,
}

impl Interval {
    /// Returns the interval between the first and the last of these readings, which are in order.
    ///
    /// # Panics
    /// Panics if there are no readings, or if one does not have a value for each counter.
    pub(crate) fn spanned_by(readings: &[Reading], counters: &[Counter]) -> Interval {
        let (t0_s, t1_s) = (readings[0].at_s, readings[readings.len() - 1].at_s);
        let values: Result<Vec<&Vec<u64>>, &Reason> =
            readings.iter().map(|reading| reading.values.as_ref()).collect();
        let values = match values {
            Ok(values) => values,
            Err(reason) => {
                let fault = Fault { status: EnergyStatus::Invalid, reason: reason.clone() };
                return Interval { t0_s, t1_s, counters: vec![], energy: Err(fault) };
            }
        };
        let mut interval = Interval { t0_s, t1_s, counters: vec![], energy: Ok(None) };
        if !counters.is_empty() && readings.windows(2).any(|pair| pair[1].at_s < pair[0].at_s) {
            let reason = format!("the clock ran backwards between {t0_s} and {t1_s} s").into();
            interval.energy = Err(Fault { status: EnergyStatus::Invalid, reason });
        }
        for (index, counter) in counters.iter().enumerate() {
            let shown: Vec<u64> = values.iter().map(|values| values[index]).collect();
            interval.add(counter, &shown);
        }
        interval
    }

    /// Returns the length in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        self.t1_s - self.t0_s
    }

    /// Adds the values of one more counter. The first fault of any counter is the fault of the
    /// interval.
    fn add(&mut self, counter: &Counter, shown: &[u64]) {
        let advance = total_advance(shown, counter.range);
        self.counters.push(CounterReading {
            name: counter.name.clone(),
            unit_j: counter.unit_j,
            range: counter.range,
            start: shown[0],
            end: shown[shown.len() - 1],
            wraps: advance.as_ref().ok().map(|advance| advance.wraps),
        });
        let Ok(sum) = &mut self.energy else { return };
        match advance {
            Ok(Advance { steps, wraps }) => {
                let (joules, all_wraps) = sum.unwrap_or_default();
                *sum = Some((joules + steps as f64 * counter.unit_j, all_wraps + wraps));
            }
            Err(reason) => {
                let reason =
                    format!("the counter {} cannot be right: {reason}", counter.name).into();
                self.energy = Err(Fault { status: EnergyStatus::Invalid, reason });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(name: &str, range: Option<u64>) -> Counter {
        Counter { name: name.into(), unit_j: 1e-6, range }
    }

    fn reading(at_s: f64, values: &[u64]) -> Reading {
        Reading { at_s, values: Ok(values.to_vec()) }
    }

    fn reason(interval: &Interval) -> &str {
        interval.energy.as_ref().unwrap_err().reason.as_str()
    }

    #[test]
    fn counters_are_summed_and_raw_readings_give_the_total() {
        let counters = [counter("package-0", Some(1_000_000)), counter("package-1", None)];
        let readings = [
            reading(1.0, &[900_000, 10]),
            reading(1.5, &[950_000, 20]),
            reading(3.0, &[100_000, 400_010]),
        ];
        let interval = Interval::spanned_by(&readings, &counters);
        assert_eq!((interval.t0_s, interval.t1_s), (1.0, 3.0));
        let (joules, wraps) = interval.energy.unwrap().unwrap();
        assert!((joules - 0.6).abs() < 1e-12, "{joules}");
        assert_eq!(wraps, 1);
        let again: f64 = interval
            .counters
            .iter()
            .map(|c| {
                c.unit_j * ((c.end + c.wraps.unwrap() * c.range.unwrap_or(0) - c.start) as f64)
            })
            .sum();
        assert!((again - joules).abs() < 1e-12);
    }

    #[test]
    fn readings_in_between_find_a_second_wrap() {
        let readings =
            [reading(0.0, &[900]), reading(1.0, &[200]), reading(2.0, &[600]), reading(3.0, &[50])];
        let readings =
            [readings.as_slice(), &[reading(4.0, &[450]), reading(5.0, &[920])]].concat();
        let interval = Interval::spanned_by(&readings, &[counter("package-0", Some(1_000))]);
        let (joules, wraps) = interval.energy.clone().unwrap().unwrap();
        assert_eq!(wraps, 2);
        assert!((joules - 2.02e-3).abs() < 1e-15);
        assert_eq!((interval.counters[0].start, interval.counters[0].end), (900, 920));
    }

    #[test]
    fn one_bad_counter_invalidates_the_sum_and_is_named() {
        let counters = [counter("package-0", None), counter("package-1", None)];
        let stuck =
            Interval::spanned_by(&[reading(0.0, &[1, 7]), reading(1.0, &[2, 7])], &counters);
        assert!(reason(&stuck).contains("package-1") && reason(&stuck).contains("stood still"));
        let backwards =
            Interval::spanned_by(&[reading(0.0, &[9, 7]), reading(1.0, &[2, 8])], &counters);
        assert!(reason(&backwards).contains("package-0"));
        assert_eq!(backwards.counters[0].wraps, None);
        assert_eq!((backwards.counters[0].start, backwards.counters[0].end), (9, 2));
    }

    #[test]
    fn a_clock_that_runs_backwards_is_a_fault() {
        let readings = [reading(5.0, &[1]), reading(4.0, &[7]), reading(6.0, &[9])];
        let interval = Interval::spanned_by(&readings, &[counter("package-0", None)]);
        assert!(reason(&interval).contains("the clock ran backwards"));
        assert_eq!(interval.counters.len(), 1, "the counter's values are kept");
    }

    #[test]
    fn a_failed_reading_is_invalid_and_a_missing_meter_is_not() {
        let failed = Reading { at_s: 1.0, values: Err("gone".into()) };
        let interval =
            Interval::spanned_by(&[reading(0.0, &[1]), failed], &[counter("package-0", None)]);
        assert_eq!(
            interval.energy,
            Err(Fault { status: EnergyStatus::Invalid, reason: "gone".into() })
        );
        assert_eq!(
            Interval::spanned_by(&[reading(0.0, &[]), reading(1.0, &[])], &[]).energy,
            Ok(None)
        );
    }
}
