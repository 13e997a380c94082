//! How often something is looked at that may take seconds or days.

use std::time::{Duration, Instant};

/// Intervals that grow with the time since the beginning, so that waiting costs the same small share
/// of it, within bounds.
#[derive(Debug)]
pub(super) struct Pace {
    begun: Instant,
    last: Instant,
    /// Interval as a share of the time since the beginning.
    share: f64,
    shortest: Duration,
    longest: Duration,
}

impl Pace {
    /// Returns the pace at which a shared folder is listed: what waiting for a file loses is below a
    /// hundredth of the time.
    pub(super) fn of_files() -> Pace {
        Pace::new(0.01, Duration::from_millis(20), Duration::from_secs(5))
    }

    /// Returns the pace at which a scheduler is asked. It serves others too, and only a task that
    /// vanishes has to be found in this way.
    pub(super) fn of_queue() -> Pace {
        Pace::new(0.1, Duration::from_millis(500), Duration::from_secs(30))
    }

    fn new(share: f64, shortest: Duration, longest: Duration) -> Pace {
        let begun = Instant::now();
        Pace { begun, last: begun, share, shortest, longest }
    }

    /// Begins anew with short intervals.
    pub(super) fn restart(&mut self) {
        (self.begun, self.last) = (Instant::now(), Instant::now());
    }

    /// Returns whether it is time to look, which counts as having looked.
    pub(super) fn is_due(&mut self) -> bool {
        let interval = self.begun.elapsed().mul_f64(self.share);
        let is_due = self.last.elapsed() >= interval.clamp(self.shortest, self.longest);
        if is_due {
            self.last = Instant::now();
        }
        is_due
    }
}
