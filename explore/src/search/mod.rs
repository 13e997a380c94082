//! The search: Algorithm 1 of the paper (`controller` and the modules it uses), and a run of it
//! with trainings and files (`run`). How genomes are evaluated is decided in `evaluate`; selection
//! itself is in `moea`.

pub mod archive;
pub mod checkpoint;
pub mod controller;
pub mod feasibility;
mod mating;
pub mod progress_display;
pub mod quality;
mod reorder_buffer;
pub mod replay;
pub mod run;
mod screening;
mod selection;
pub mod state;
pub mod unseen;
pub mod winners;
