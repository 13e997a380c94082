//! `train init`: the weights that a training starts from.

use crate::cli::InitArgs;
use crate::init;
use anyhow::Result;
use common::files::json;
use common::network::Network;

/// Runs `train init`.
///
/// # Errors
/// Fails if the network cannot be read or the weights cannot be written.
pub(crate) fn init(args: &InitArgs) -> Result<()> {
    let network: Network = json::read(&args.network)?;
    init::weights(&network, args.seed).write(&args.out)
}
