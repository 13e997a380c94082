//! The search of networks: Algorithm 1 of the paper over their space (`controller`), and a run of it
//! with trainings and files (`run`). How genomes are evaluated is decided in `evaluate`; the
//! algorithm itself is in `algorithm`.

pub mod archive;
pub mod checkpoint;
pub mod controller;
pub mod feasibility;
mod forecast;
pub(crate) mod measured;
pub mod network_problem;
pub mod progress_display;
pub mod quality;
mod reorder_buffer;
pub mod replay;
pub mod run;
mod selection;
pub mod state;
pub mod winners;
