//! What an earlier run has left in the folder for the results.

use crate::{scratch, training};
use anyhow::Result;
use common::atomic;
use std::fs;
use std::path::Path;

/// Removes what a killed run was writing.
///
/// # Errors
/// It cannot be removed.
pub(crate) fn sweep(out: &Path) -> Result<()> {
    ["", "rounds", "measuring", "measurements"].iter().try_for_each(|part| atomic::sweep(&out.join(part)))?;
    training::sweep(&out.join(scratch::FOLDER))?;
    let rounds = fs::read_dir(out.join("rounds")).into_iter().flatten().flatten();
    rounds.map(|entry| entry.path()).filter(|path| path.is_dir()).try_for_each(|round| training::sweep(&round))
}
