//! Predicted latencies of a run's networks: what was measured, and the report.

pub(crate) mod known;
pub(crate) mod records;
pub(crate) mod report;
pub(crate) mod run_folder;
pub(crate) mod table;
mod walk;
