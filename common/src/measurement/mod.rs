//! Measurements: the record `measurement.json`, and the lines and files that it is made from.
//! Nothing here measures.

pub mod bench_protocol;
mod energy;
pub mod gpu_facts;
pub mod manual_reading;
mod record;
mod windows;

pub use energy::{Energy, EnergyStatus, PowerLog};
pub use record::{
    Host, Instructions, Latency, MeasuredCrate, Measurement, Protocol, RUN_TO_RUN_NOISE,
};
pub use windows::{Communication, CounterReading, IdleReading, Window};
