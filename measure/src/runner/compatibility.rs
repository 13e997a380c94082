//! The check whether a crate can run on a board.

use anyhow::{Result, ensure};
use common::board::{Board, Platform};
use common::manifest::Manifest;
use std::path::Path;

/// Checks that the crate in `folder` can run on a board.
///
/// # Errors
/// Fails if the crate is for another platform, or if the board has too little memory for it.
pub(crate) fn check_compatibility(board: &Board, manifest: &Manifest, folder: &Path) -> Result<()> {
    let (crate_dir, name) = (folder.display(), &board.name);
    ensure!(
        manifest.platform != Platform::Onnx,
        "{crate_dir}: this is an ONNX model, which has no `bench` to measure; generate a crate \
         with --platform {}",
        board.platform
    );
    ensure!(
        manifest.platform == board.platform,
        "{crate_dir}: the crate was generated for the platform {}, but the board {name} runs \
         crates for {}",
        manifest.platform,
        board.platform
    );
    for (what, needed, available) in [
        ("of constants", manifest.weights_bytes, board.flash_bytes),
        ("of working memory", manifest.arena_bytes, board.ram_bytes),
    ] {
        let fits = available.is_none_or(|available| needed <= available);
        let available = available.unwrap_or_default();
        ensure!(
            fits,
            "{crate_dir}: {needed} bytes {what} do not fit the {available} that the board {name} \
             has for it"
        );
    }
    Ok(())
}
