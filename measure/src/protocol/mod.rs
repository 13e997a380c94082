//! The measurement protocol: idle, warm-up, windows, idle; then the latency and energy of one
//! inference from what was read. How a meter is read belongs to `meter`, how a program reaches its
//! board to `runner`.

pub(crate) mod clock;
pub(crate) mod record;
pub(crate) mod session;
pub(crate) mod statistics;

mod energy;
mod energy_source;
mod instruments;
mod summary;
mod windows;

pub(crate) use energy_source::EnergySource;
pub(crate) use instruments::HostInstruments;
pub(crate) use summary::summary;
pub(crate) use windows::{MeasuredWindow, Ready};
