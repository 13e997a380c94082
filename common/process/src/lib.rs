//! Processes: start and end of a stage, its progress, child programs that do not outlive it,
//! termination signals, locks, and the measurement of a network on a board by two other stages. Any
//! stage may use it. Nothing here knows what a stage computes.

pub mod board_args;
pub mod child;
pub mod cli;
pub mod cluster;
pub mod console;
pub mod deploy;
pub mod engine_args;
pub mod interrupt;
pub mod lines;
pub mod lock;
pub mod logged;
pub mod output;
pub mod parent;
pub mod program;
pub mod programs;
pub mod progress;
