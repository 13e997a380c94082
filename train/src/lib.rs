//! The `train` stage: from a network and images to weights. The only crate that knows Candle.
//!
//! A training goes from `commands::fit` to the loop in [`fit`], which takes batches from [`data`],
//! computes them with [`model`] and changes the weights with [`optim`]; [`eval`] scores the result. [`quantize`]
//! makes an int8 network of it.

mod cli;
mod commands;

pub mod data;
pub mod eval;
pub mod fit;
pub mod init;
pub mod loss;
pub mod model;
pub mod optim;

pub mod quantize;

pub mod candle_backend;
pub mod device;
pub mod ops;

mod figure;
pub mod memory;
mod mistakes;
mod report;
pub mod resources;
mod threads;
mod thumbnail;

use anyhow::Result;
pub use cli::Args;
use cli::Command;

/// Runs one command.
///
/// # Errors
/// Fails with a message of one line if an input is invalid or a file cannot be written.
pub fn run(args: Args) -> Result<()> {
    ops::simd::Level::forced()?;
    match args.command {
        Command::Fit(args) => commands::fit(args),
        Command::Init(args) => commands::init(&args),
        Command::Eval(args) => commands::eval(args),
        Command::Quantize(args) => commands::quantize(&args),
    }
}

/// Returns the name of the instructions that training computes with on this processor.
pub fn kernels() -> &'static str {
    ops::simd::Level::detected().name()
}
