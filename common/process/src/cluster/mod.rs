//! Commands on the machines of a cluster, through a shared folder and a scheduler that exists.
//!
//! `scheduler` has the three functions that a scheduler is asked for, `slurm` fills them with
//! Slurm's programs (`squeue` reads a listing, `limits` asks for limits), `batch` is a folder of
//! commands and of what is left of them, `run` follows batches to their end, `commands` runs some
//! commands to their results, and `connection` finds the cluster. Only files decide what has
//! succeeded. Nothing here schedules, and nothing here knows what a command computes.

pub mod batch;
pub mod commands;
pub mod connection;
pub mod job;
mod limits;
mod pace;
pub mod run;
pub mod scheduler;
mod shell;
pub mod slurm;
mod squeue;
