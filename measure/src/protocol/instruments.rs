//! The instruments of a measurement: a clock and the counters of a meter.

use super::energy_source::EnergySource;
use crate::host::HostClock;
use crate::interrupt::INTERRUPT;
use crate::meter::{Counter, Reading};
use anyhow::Result;
use std::time::Duration;

/// A clock and a meter. Tests have their own, so that they do not depend on the machine's speed.
pub(crate) trait Instruments {
    /// Returns the meter's counters; none without a meter that is read during the measurement.
    fn counters(&self) -> &[Counter];

    /// Reads the clock and the meter.
    fn read(&mut self) -> Reading;

    /// Waits.
    ///
    /// # Errors
    /// Fails if a termination signal has been received.
    fn sleep(&mut self, time: Duration) -> Result<()>;
}

/// This machine's clock and a board's energy source.
#[derive(Debug)]
pub(crate) struct HostInstruments {
    /// The clock, which started when this was made.
    pub(crate) clock: HostClock,
    /// The source of the board's energy.
    pub(crate) energy_source: EnergySource,
}

impl HostInstruments {
    /// Starts the clock.
    pub(crate) fn start(energy_source: EnergySource) -> HostInstruments {
        HostInstruments { clock: HostClock::start(), energy_source }
    }
}

impl Instruments for HostInstruments {
    fn counters(&self) -> &[Counter] {
        self.energy_source.counters()
    }

    fn read(&mut self) -> Reading {
        let values = self.energy_source.read();
        Reading { at_s: self.clock.elapsed_s(), values }
    }

    fn sleep(&mut self, time: Duration) -> Result<()> {
        INTERRUPT.sleep(time)
    }
}
