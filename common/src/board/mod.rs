//! Boards: descriptions of where generated crates run, how they get there and how energy is read.
//! Nothing here talks to a board.

mod availability;
pub mod catalog;
mod description;
mod meter;
mod platform;
mod runner;

pub use availability::{KnownBoards, MeterOnHost, RunnerOnHost};
pub use description::{Board, Hwmon, PROGRAM, Rails, is_plain_path};
pub use meter::Meter;
pub use platform::{Platform, PlatformDescription, Platforms};
pub use runner::Runner;
