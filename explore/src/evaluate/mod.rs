//! How a genome gets its numbers: accuracy from `train` or from a table, memory from
//! `codegen plan`, latency and energy from a board. Nothing here decides which genomes are
//! evaluated; that is done in `search`, which nothing here uses.

pub mod candidate;
pub mod crate_planner;
pub mod engine;
pub mod evaluator;
pub(crate) mod hardware;
pub mod memory;
mod outcome;
pub(crate) mod plan;
pub mod quantizer;
pub mod successive_halving;
pub mod table;
pub mod task;
pub mod trainer;
