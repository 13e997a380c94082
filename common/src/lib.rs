//! The vocabulary of NeuroPower: what every stage reads, writes and talks about.
//!
//! One file a concept. Nothing here knows a tensor library, starts a process or parses a command
//! line.

pub mod accuracy_table;
pub mod activation;
pub mod atomic;
pub mod baseline;
pub mod bench;
pub mod board;
pub mod boards;
mod builder;
pub mod counts;
pub mod crate_hash;
pub mod criteria;
pub mod dataset;
pub mod device;
pub mod fidelity;
pub mod genome;
pub mod gpu;
pub mod hash;
pub mod interrupt;
pub mod json;
pub mod lock;
pub mod manifest;
pub mod manual;
pub mod measurement;
pub mod network;
pub mod objective;
pub mod parent;
pub mod profile;
pub mod prune_report;
mod ranges;
pub mod reading;
pub mod reference;
pub mod search_files;
pub mod seed;
pub mod space;
pub mod stage;
pub mod template;
pub mod train_report;
pub mod weights;
