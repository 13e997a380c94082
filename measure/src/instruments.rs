//! This machine's clock and a meter.

use crate::interrupt;
use crate::meter::Source;
use crate::meter::counter::{Counter, Reading};
use crate::session::Instruments;
use anyhow::Result;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The clock starts when this is made.
#[derive(Debug)]
pub(crate) struct HostInstruments {
    start: Instant,
    started_unix_s: f64,
    source: Option<Source>,
}

impl HostInstruments {
    /// With a meter that is read on the way, or without.
    pub(crate) fn new(source: Option<Source>) -> HostInstruments {
        HostInstruments { start: Instant::now(), started_unix_s: unix_s(), source }
    }

    /// When the clock started.
    pub(crate) fn start(&self) -> Instant {
        self.start
    }

    /// Seconds since the start.
    pub(crate) fn elapsed_s(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    /// Unix time at the start.
    pub(crate) fn started_unix_s(&self) -> f64 {
        self.started_unix_s
    }

    /// By how much the system's time was set forward since the start, in seconds.
    pub(crate) fn clock_set_by_s(&self) -> f64 {
        unix_s() - self.started_unix_s - self.elapsed_s()
    }
}

/// Seconds since 1970; 0 where the clock says that it is earlier.
pub(crate) fn unix_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

impl Instruments for HostInstruments {
    fn counters(&self) -> &[Counter] {
        self.source.as_ref().map_or(&[], Source::counters)
    }

    fn read(&mut self) -> Reading {
        let values = self.source.as_ref().map_or(Ok(vec![]), Source::read);
        Reading { at_s: self.elapsed_s(), values }
    }

    fn sleep(&mut self, time: Duration) -> Result<()> {
        interrupt::sleep(time)
    }
}
