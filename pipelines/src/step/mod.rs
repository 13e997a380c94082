//! One command of the pipeline, run for make: its progress on the terminal, its output in a log.
//!
//! `run` runs the command, `output` reads what it prints, `log` keeps it, `display` shows it, `title`
//! says which step it is.

mod args;
mod display;
mod log;
mod output;
mod run;
mod title;

pub use args::StepArgs;
pub use run::run;
