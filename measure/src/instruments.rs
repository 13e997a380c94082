//! This machine's clock and a meter.

use crate::meter::Source;
use crate::meter::counter::{Counter, Reading};
use crate::session::Instruments;
use std::thread;
use std::time::{Duration, Instant};

/// The clock starts when this is made.
#[derive(Debug)]
pub(crate) struct HostInstruments {
    start: Instant,
    source: Option<Source>,
}

impl HostInstruments {
    /// With a meter, or without.
    pub(crate) fn new(source: Option<Source>) -> HostInstruments {
        HostInstruments { start: Instant::now(), source }
    }
}

impl Instruments for HostInstruments {
    fn counters(&self) -> &[Counter] {
        self.source.as_ref().map_or(&[], Source::counters)
    }

    fn read(&mut self) -> Reading {
        let values = self.source.as_ref().map_or(Ok(vec![]), Source::read);
        Reading { at_s: self.start.elapsed().as_secs_f64(), values }
    }

    fn sleep(&mut self, time: Duration) {
        thread::sleep(time);
    }
}
