//! Energy counters, which only grow and wrap to 0 at their range, and by how much they advanced
//! between two readings.

use crate::reason::Reason;

/// One counter of a meter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Counter {
    /// The counter's own name, e.g. `package-0`.
    pub(crate) name: String,
    /// Energy of one step, in joules.
    pub(crate) unit_j: f64,
    /// Value at which it wraps to 0, if the meter tells it.
    pub(crate) range: Option<u64>,
}

/// The advance of a counter between two readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Advance {
    /// Steps of the counter.
    pub(crate) steps: u64,
    /// Number of wraps.
    pub(crate) wraps: u64,
}

/// Returns the advance from one reading to the next, both in the counter's own unit.
///
/// A smaller reading after a larger one is a wrap if it means an advance by at most half the range;
/// else the counter ran backwards, as with sequence numbers. Readings are taken often enough (see
/// `protocol::session::Timeouts`) that no package comes near half its range between two of them.
///
/// # Errors
/// Returns why the two readings contradict each other.
fn advance(before: u64, after: u64, range: Option<u64>) -> Result<Advance, Reason> {
    if let Some(range) = range.filter(|range| before.max(after) > *range) {
        return Err(format!("it shows {}, beyond its range of {range}", before.max(after)).into());
    }
    if after >= before {
        return Ok(Advance { steps: after - before, wraps: 0 });
    }
    let Some(range) = range else {
        return Err(format!(
            "it ran from {before} back to {after}, and its range is not known, so it may \
             have wrapped"
        )
        .into());
    };
    let steps = range - before + after;
    if steps > range / 2 {
        return Err(format!("it ran backwards, from {before} to {after}").into());
    }
    Ok(Advance { steps, wraps: 1 })
}

/// Returns the advance over a series of readings of one counter.
///
/// # Errors
/// Returns why the readings contradict each other, or that the counter stood still: it is broken,
/// since everything that is switched on consumes energy.
pub(crate) fn total_advance(shown: &[u64], range: Option<u64>) -> Result<Advance, Reason> {
    let mut total = Advance::default();
    for pair in shown.windows(2) {
        let step = advance(pair[0], pair[1], range)?;
        total = Advance { steps: total.steps + step.steps, wraps: total.wraps + step.wraps };
    }
    if total.steps == 0 {
        return Err(format!("it stood still at {}", shown[0]).into());
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

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
    fn steps_below_half_the_range_are_recovered_and_their_reverse_is_refused() {
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
    fn a_counter_that_runs_backwards_is_an_error() {
        assert!(
            advance(5_000_000, 4_000_000, Some(262_143_328_850))
                .unwrap_err()
                .to_string()
                .contains("backwards")
        );
        assert!(
            advance(5_000_000, 4_000_000, None)
                .unwrap_err()
                .to_string()
                .contains("range is not known")
        );
        assert!(
            advance(1_001, 5, Some(1_000)).unwrap_err().to_string().contains("beyond its range")
        );
        assert!(
            advance(5, 1_001, Some(1_000)).unwrap_err().to_string().contains("beyond its range")
        );
    }
}
