//! The vocabulary of NeuroPower: what every stage reads, writes and talks about.
//!
//! One file a concept. Nothing here knows a tensor library, starts a process or parses a command
//! line; that which runs processes is the crate `process`, that which draws the crate `plot`.

pub mod board;
pub mod dataset;
pub mod device;
pub mod diagnostics;
pub mod files;
pub mod manifest;
pub mod measurement;
pub mod network;
pub mod plan_report;
pub mod profile;
pub mod prune_report;
pub mod search;
pub mod seed;
pub mod train_report;
