//! Everything about processes: how a stage starts and ends, the programs that it runs and that do
//! not outlive it, termination signals, locks, and a network's record on a board, which takes two
//! other stages. Any stage may use it; nothing here knows what a stage computes.

pub mod board_args;
pub mod child;
pub mod cli;
pub mod deploy;
pub mod interrupt;
pub mod lines;
pub mod lock;
pub mod logged;
pub mod output;
pub mod parent;
pub mod programs;
