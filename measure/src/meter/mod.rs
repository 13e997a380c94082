//! Meters: how the energy of a board is read. A meter that cannot be used gives the reason, and
//! never a number in its place. How readings become the energy of an inference belongs to
//! `protocol`.

pub(crate) mod prompt;

mod available;
mod counter;
mod csv_log;
mod gpu_monitor;
mod hwmon;
mod inputs;
mod interval;
mod live_meter;
mod nvml;
mod power;
mod rapl;
mod sampler;

pub(crate) use available::on_host;
pub(crate) use counter::Counter;
pub(crate) use csv_log::{CsvLog, Filled};
pub(crate) use gpu_monitor::{GpuMonitor, ObservedRun};
pub(crate) use inputs::MeterInputs;
pub(crate) use interval::{Interval, Reading};
pub(crate) use live_meter::LiveMeter;
#[cfg(test)]
pub(crate) use rapl::Rapl;
