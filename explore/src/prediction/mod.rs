//! Predicted latencies of a run's networks: what was measured, what the networks' plans say, and the
//! report.

pub(crate) mod known;
pub(crate) mod plans;
pub(crate) mod records;
pub(crate) mod report;
pub(crate) mod run_folder;
pub(crate) mod table;
mod walk;
