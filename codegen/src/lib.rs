//! Code generation: from a network and its weights to a standalone Rust crate that runs it (paper,
//! section 4.3), or to an ONNX model.
//!
//! [`graph`] merges nodes into kernel calls, [`plan`] gives every tensor its place in one block of
//! memory, [`pack`] lays out the weights, `emit` writes the crate's files, [`onnx`] those of a
//! model, and `folder` makes them appear all at once.

mod board;
mod bound;
mod code;
mod costs;
pub mod cuda;
mod emit;
mod figure;
mod folder;
mod generate;
pub mod golden;
pub mod graph;
mod lives;
mod memory;
mod names;
pub mod onnx;
pub mod pack;
mod placement;
pub mod plan;
pub mod platform;
pub mod report;
mod tiling;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use common::network::Network;
use common::{json, stage};
use platform::Platform;
use std::io::Write;
use std::path::PathBuf;

/// Writes a network as a standalone Rust crate, or as an ONNX model.
#[derive(Parser)]
#[command(
    name = "codegen",
    version,
    after_help = "Example:\n  codegen generate --network n/network.json --weights n/weights.safetensors --platform x86_64 --out crate"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Writes the crate or model and prints its manifest as one line of JSON, and the costs of its
    /// layers on stderr.
    #[command(
        after_help = "Example:\n  codegen generate --network n/network.json --weights n/weights.safetensors \\\n    --platform x86_64 --out crate --samples data/digits\n  cd crate && cargo test && cargo run --release --bin classify images-idx3-ubyte\n\n  codegen generate --network n/network.json --weights n/weights.safetensors --platform onnx --out model"
    )]
    Generate(generate::Options),
    /// Prints what a network needs on a platform, known without weights, as JSON.
    #[command(after_help = "Example:\n  codegen plan --network n/network.json --platform x86_64")]
    Plan {
        /// The network.
        #[arg(long, value_name = "FILE")]
        network: PathBuf,
        /// What the crate would be for.
        #[arg(long)]
        platform: Platform,
        /// The board that it must fit on, by name (`measure boards` lists them) or file [default:
        /// any].
        #[arg(long, value_name = "NAME|FILE")]
        board: Option<String>,
    },
    /// Prints the platforms as JSON.
    #[command(after_help = "Example:\n  codegen platforms")]
    Platforms,
}

/// Runs the stage.
///
/// # Errors
/// Files that cannot be read or written or do not fit each other.
pub fn run(args: &Args) -> Result<()> {
    match &args.command {
        Command::Generate(options) => {
            let manifest = generate::generate(options)?;
            // The result is what goes to stdout: this may get lost.
            let _ = write!(std::io::stderr(), "{}", costs::table(&manifest));
            stage::print_line(&json::to_line(&manifest)?)
        }
        Command::Plan { network: path, platform, board } => {
            let network: Network = json::read(path)?;
            let report =
                report::report(&network, *platform).with_context(|| path.display().to_string())?;
            if let Some(board) = board {
                board::asked(board, &report.fit, *platform)?;
            }
            stage::print_line(json::to_text(&report)?.trim_end())
        }
        Command::Platforms => stage::print_line(json::to_text(&platform::list())?.trim_end()),
    }
}
