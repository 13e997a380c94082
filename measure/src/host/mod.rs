//! The machine that measures and the board as a machine: clocks, and facts that influence a
//! measurement. What is measured does not belong here.

mod clock;
mod facts;

pub(crate) use clock::{HostClock, unix_s};
pub(crate) use facts::FactsBefore;
