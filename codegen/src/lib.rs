//! Code generation: from a network and its weights to a standalone Rust crate that runs it (paper,
//! section 4.3), or to an ONNX model.
//!
//! [`plan`] lowers a network to calls of kernels, gives every tensor its place in one block of
//! memory and packs the weights; [`int8`] does so for a network in 8-bit integers. `emit` writes the files of a crate, with the calls of [`cuda`] for
//! GPUs; [`onnx`] writes those of a model. `folder` makes the files appear all at once.

mod cli;
mod commands;

pub mod platform;

pub mod int8;
mod int8_report;
pub mod plan;
pub mod plan_report;
mod work;

mod code_size;
mod cost_table;
mod fit;
mod memory_figure;
mod size;

pub mod cuda;
mod emit;
pub mod onnx;

mod activation_name;
mod crate_name;
mod file;
mod folder;
pub mod golden;
mod markdown;
mod results;
mod template;

#[cfg(test)]
mod test_network;

pub use cli::Args;

use anyhow::Result;
use cli::Command;

/// Runs the stage.
///
/// # Errors
/// Fails if a file cannot be read or written, or if the files do not fit each other.
pub fn run(args: &Args) -> Result<()> {
    match &args.command {
        Command::Generate(args) => commands::generate::run(args),
        Command::Plan(args) => commands::plan::run(args),
        Command::Import(args) => commands::import::run(args),
        Command::Platforms => commands::platforms::run(),
    }
}
