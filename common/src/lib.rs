//! The vocabulary of NeuroPower: the types and file formats that all stages share.
//!
//! Each concept has a file of its own. Nothing here depends on a tensor library, starts a process
//! or parses a command line: processes are in the crate `process`, drawing is in the crate `plot`.

pub mod board;
pub mod choice;
pub mod choice_report;
pub mod cluster_record;
pub mod dataset;
pub mod device;
pub mod diagnostics;
pub mod eval_report;
pub mod files;
pub mod foreign;
pub mod manifest;
pub mod measurement;
pub mod network;
pub mod plan_report;
pub mod precision;
pub mod prediction_report;
pub mod profile;
pub mod program;
pub mod prune_report;
pub mod published;
pub mod quantized;
pub mod resize;
pub mod search;
pub mod seed;
pub mod statistics;
pub mod train_report;
