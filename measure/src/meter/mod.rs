//! Meters: where energy is read. A meter that cannot be used says why, and never gives a number instead.

pub(crate) mod counter;
pub(crate) mod rapl;

use common::board::{Board, Meter, MeterOnHost, Runner};
use counter::Counter;
use rapl::Rapl;
use std::path::Path;

/// A meter that can be read.
#[derive(Debug)]
pub(crate) enum Source {
    /// This machine's processor packages.
    Rapl(Rapl),
}

impl Source {
    /// Its counters; the energy of a board is the sum over all of them.
    pub(crate) fn counters(&self) -> &[Counter] {
        match self {
            Source::Rapl(rapl) => rapl.counters(),
        }
    }

    /// How long the hardware takes from one update of its counters to the next, in seconds.
    pub(crate) fn tick_s(&self) -> f64 {
        match self {
            Source::Rapl(_) => rapl::TICK_S,
        }
    }

    /// What each counter shows now, in the counter's own unit.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(crate) fn read(&self) -> Result<Vec<u64>, String> {
        match self {
            Source::Rapl(rapl) => rapl.read(),
        }
    }
}

/// Opens the meter of a board. Which meter sees a board depends on where the board is: this machine's sees only what
/// runs on this machine.
///
/// # Errors
/// Why there is no energy to be had.
pub(crate) fn open(board: &Board, sysfs: &Path) -> Result<Source, String> {
    match board.runner {
        Runner::Local => open_on_host(board.meter, sysfs),
        Runner::Ssh => match board.meter {
            Meter::Rapl => Err(format!("RAPL sees this machine only, and the board {} is another", board.name)),
            Meter::None => Err("the board's meter is `none`".to_string()),
        },
    }
}

fn open_on_host(meter: Meter, sysfs: &Path) -> Result<Source, String> {
    match meter {
        Meter::Rapl => Rapl::open(sysfs).map(Source::Rapl),
        Meter::None => Err("the board's meter is `none`".to_string()),
    }
}

/// Every kind of meter, and whether this machine has it.
pub(crate) fn on_host(sysfs: &Path) -> Vec<MeterOnHost> {
    Meter::ALL.into_iter().map(|meter| on_host_one(meter, sysfs)).collect()
}

fn on_host_one(meter: Meter, sysfs: &Path) -> MeterOnHost {
    if meter == Meter::None {
        return MeterOnHost { meter, usable: true, counters: vec![], reason: None };
    }
    match open_on_host(meter, sysfs) {
        Ok(source) => {
            let counters = source.counters().iter().map(|counter| counter.name.clone()).collect();
            MeterOnHost { meter, usable: true, counters, reason: None }
        }
        Err(reason) => MeterOnHost { meter, usable: false, counters: vec![], reason: Some(reason) },
    }
}
