//! The progress of a program: a bar on a terminal, messages for the program that shows the steps of
//! a pipeline, else lines. All programs have the same bar.
//!
//! `display` has what a program tells of its progress, `bar` the bar, `step` the messages, `words`
//! durations in words.

mod bar;
mod display;
pub mod step;
mod words;

pub use bar::Bar;
pub use display::{Progress, ask};
pub use words::{about, in_words};
