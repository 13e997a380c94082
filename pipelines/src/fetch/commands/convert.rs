//! `fetch-data convert --network F IMAGE... --out F`: pictures for boards without files.

use crate::fetch::cli::ConvertArgs;
use anyhow::{Context, Result};
use common::files::{atomic, json, reading};
use common::foreign::idx_images_header;
use common::network::Network;
use process::cli::print_line;
use std::io::Write;

/// Maximum size of a picture's file.
const MAX_BYTES: u64 = 512 << 20;

/// Writes pictures to one IDX file, in the shape that a network reads and by its rule, and prints
/// the path of the file.
///
/// # Errors
/// Fails if the network or a picture cannot be read, or if the file cannot be written.
pub(crate) fn run(args: &ConvertArgs) -> Result<()> {
    let network: Network = json::read(&args.network)?;
    let target = network.input.target();
    let header =
        idx_images_header(args.images.len(), target.channels, target.height, target.width)?;
    atomic::write_with(&args.out, |file| {
        file.write_all(&header)?;
        for path in &args.images {
            let bytes = reading::read(path, MAX_BYTES)?;
            let pixels = pictures::pixels(&bytes, &target)
                .with_context(|| format!("{}: not a usable picture", path.display()))?;
            file.write_all(&pixels)?;
        }
        Ok(())
    })?;
    print_line(&args.out.display().to_string())
}
