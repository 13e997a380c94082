//! Commands on the machines of a cluster, through a shared folder and a scheduler that exists.
//!
//! `scheduler` has the three functions that a scheduler is asked for, `slurm` fills them with
//! Slurm's programs (whose listing `squeue` reads), `batch` is a folder of commands and of what is
//! left of them, `run` follows batches to their end, and `single` runs one command. Only files decide
//! what has succeeded. Nothing here schedules, and nothing here knows what a command computes.

pub mod batch;
pub mod job;
mod pace;
pub mod run;
pub mod scheduler;
mod shell;
pub mod single;
pub mod slurm;
mod squeue;
