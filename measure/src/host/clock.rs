//! This machine's clock.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A monotonic clock, together with the system's time at its start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostClock {
    start: Instant,
    started_unix_s: f64,
}

impl HostClock {
    /// Starts the clock.
    pub(crate) fn start() -> HostClock {
        HostClock { start: Instant::now(), started_unix_s: unix_s() }
    }

    /// Returns the seconds since the start.
    pub(crate) fn elapsed_s(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    /// Returns the Unix time at the start.
    pub(crate) fn started_unix_s(&self) -> f64 {
        self.started_unix_s
    }

    /// Returns by how many seconds the system's time has been set forward since the start.
    pub(crate) fn clock_set_by_s(&self) -> f64 {
        unix_s() - self.started_unix_s - self.elapsed_s()
    }
}

/// Returns the seconds since 1970; 0 if the system's time is before 1970.
pub(crate) fn unix_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}
