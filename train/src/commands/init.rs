//! `train init`: the weights that a training starts from.

use crate::init;
use anyhow::Result;
use clap::Args;
use common::json;
use common::network::Network;
use std::path::PathBuf;

/// Options of `train init`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  train init --network resnet-110.json --out weights.safetensors\n\n\
    Latency and memory can be measured with them, before or without any training."
)]
pub(crate) struct InitArgs {
    /// The network
    #[arg(long)]
    network: PathBuf,
    /// File for the weights
    #[arg(long)]
    out: PathBuf,
    /// Seed of initialisation
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// `train init`.
pub(crate) fn init(args: &InitArgs) -> Result<()> {
    let network: Network = json::read(&args.network)?;
    init::weights(&network, args.seed).write(&args.out)
}
