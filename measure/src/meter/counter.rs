//! Energy counters that only grow and wrap to 0 at their range, and what they advanced by between
//! two readings.

use common::measurement::{CounterReading, EnergyStatus};

/// One counter of a meter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Counter {
    /// Its own name, e.g. `package-0`.
    pub(crate) name: String,
    /// Joules for a step of 1.
    pub(crate) unit_j: f64,
    /// Where it wraps to 0, if the meter says so.
    pub(crate) range: Option<u64>,
}

/// What a counter advanced by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Advance {
    /// Steps of the counter.
    pub(crate) steps: u64,
    /// How often it wrapped.
    pub(crate) wraps: u64,
}

/// What a counter advanced by from one reading to the next, both in the counter's own unit.
///
/// A reading below the one before is a wrap when that means less than half the range, and a counter
/// running backwards otherwise, as with sequence numbers: readings are taken often enough (see
/// [`crate::session::Patience`]) that no package comes near half its range between two of them.
///
/// # Errors
/// Why the two readings cannot both be true.
pub(crate) fn advance(before: u64, after: u64, range: Option<u64>) -> Result<Advance, String> {
    if let Some(range) = range.filter(|range| before.max(after) > *range) {
        return Err(format!("it shows {}, beyond its range of {range}", before.max(after)));
    }
    if after >= before {
        return Ok(Advance { steps: after - before, wraps: 0 });
    }
    let Some(range) = range else {
        return Err(format!(
            "it ran from {before} back to {after}, and its range is not known, so it may have wrapped"
        ));
    };
    let steps = range - before + after;
    if steps > range / 2 {
        return Err(format!("it ran backwards, from {before} to {after}"));
    }
    Ok(Advance { steps, wraps: 1 })
}

/// What all counters of a meter showed at one moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reading {
    /// Seconds since the measurement's start.
    pub(crate) at_s: f64,
    /// One value for each counter, none without a meter; or why they could not be read.
    pub(crate) values: Result<Vec<u64>, String>,
}

/// Why there is no energy of an interval.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    /// Unavailable or invalid.
    pub(crate) status: EnergyStatus,
    /// What happened.
    pub(crate) reason: String,
}

/// A stretch of time between two readings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Interval {
    /// When the first reading was taken, in seconds since the measurement's start.
    pub(crate) t0_s: f64,
    /// When the last one was.
    pub(crate) t1_s: f64,
    /// Each counter at both ends; empty without a meter and where it could not be read.
    pub(crate) counters: Vec<CounterReading>,
    /// Energy in the interval and how often counters wrapped, none of the two without a meter, or
    /// why they are not known.
    pub(crate) energy: Result<Option<(f64, u64)>, Fault>,
}

impl Interval {
    /// The interval that these readings (at least one, in order) of these counters span.
    ///
    /// # Panics
    /// If there are no readings, or not one value for each counter.
    pub(crate) fn spanned_by(readings: &[Reading], counters: &[Counter]) -> Interval {
        let (t0_s, t1_s) = (readings[0].at_s, readings[readings.len() - 1].at_s);
        let values: Result<Vec<&Vec<u64>>, &String> =
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
            let reason = format!("the clock ran backwards between {t0_s} and {t1_s} s");
            interval.energy = Err(Fault { status: EnergyStatus::Invalid, reason });
        }
        for (index, counter) in counters.iter().enumerate() {
            let shown: Vec<u64> = values.iter().map(|values| values[index]).collect();
            interval.add(counter, &shown);
        }
        interval
    }

    /// Length in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        self.t1_s - self.t0_s
    }

    /// Adds what one more counter showed. The first fault of any counter is the fault of the
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
                let reason = format!("the counter {} cannot be right: {reason}", counter.name);
                self.energy = Err(Fault { status: EnergyStatus::Invalid, reason });
            }
        }
    }
}

/// The advance over a series of readings of one counter. A counter of energy that stands still is
/// broken: everything that is switched on takes some.
fn total_advance(shown: &[u64], range: Option<u64>) -> Result<Advance, String> {
    let mut total = Advance::default();
    for pair in shown.windows(2) {
        let step = advance(pair[0], pair[1], range)?;
        total = Advance { steps: total.steps + step.steps, wraps: total.wraps + step.wraps };
    }
    if total.steps == 0 {
        return Err(format!("it stood still at {}", shown[0]));
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    fn counter(name: &str, range: Option<u64>) -> Counter {
        Counter { name: name.into(), unit_j: 1e-6, range }
    }

    fn reading(at_s: f64, values: &[u64]) -> Reading {
        Reading { at_s, values: Ok(values.to_vec()) }
    }

    fn reason(interval: &Interval) -> &str {
        &interval.energy.as_ref().unwrap_err().reason
    }

    #[test]
    fn advances_with_and_without_a_wrap() {
        let range = Some(262_143_328_850); // of an Intel package
        let of = |steps, wraps| Ok(Advance { steps, wraps });
        assert_eq!(advance(100, 350, range), of(250, 0));
        assert_eq!(advance(100, 350, None), of(250, 0));
        assert_eq!(advance(262_143_328_000, 150, range), of(1_000, 1));
        assert_eq!(advance(7, 7, range), of(0, 0));
        assert_eq!(advance(0, u64::MAX, None), of(u64::MAX, 0));
    }

    #[test]
    fn any_step_below_half_the_range_is_found_again_and_its_reverse_is_refused() {
        let mut rng = common::seed::stream(1, "test/advance");
        for _ in 0..10_000 {
            let range = rng.random_range(10..u64::MAX / 2);
            let (before, steps) = (rng.random_range(0..range), rng.random_range(1..range / 2));
            let after = (before + steps) % range;
            let wraps = u64::from(before + steps >= range);
            assert_eq!(advance(before, after, Some(range)), Ok(Advance { steps, wraps }));
            if after > before {
                assert!(
                    advance(after, before, Some(range)).is_err(),
                    "{after} back to {before}, range {range}"
                );
            }
        }
    }

    #[test]
    fn a_counter_that_runs_backwards_is_no_energy() {
        assert!(
            advance(5_000_000, 4_000_000, Some(262_143_328_850)).unwrap_err().contains("backwards")
        );
        assert!(advance(5_000_000, 4_000_000, None).unwrap_err().contains("range is not known"));
        assert!(advance(1_001, 5, Some(1_000)).unwrap_err().contains("beyond its range"));
        assert!(advance(5, 1_001, Some(1_000)).unwrap_err().contains("beyond its range"));
    }

    #[test]
    fn sockets_are_summed_and_the_raw_numbers_give_the_total() {
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
    fn readings_between_find_a_second_wrap() {
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
    fn one_bad_counter_spoils_the_sum_and_is_named() {
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
    fn a_clock_that_runs_backwards_is_no_time() {
        let readings = [reading(5.0, &[1]), reading(4.0, &[7]), reading(6.0, &[9])];
        let interval = Interval::spanned_by(&readings, &[counter("package-0", None)]);
        assert!(reason(&interval).contains("the clock ran backwards"));
        assert_eq!(interval.counters.len(), 1, "what the counter showed is kept");
    }

    #[test]
    fn a_failed_reading_is_invalid_and_no_meter_is_no_fault() {
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
