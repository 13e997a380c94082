//! The files that an earlier run has left in the folder for the results.

use crate::comparison::figures;
use crate::{from_scratch, training};
use anyhow::{Context, Result};
use common::files::atomic;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The report and the figures of an earlier run in a folder. They describe the files beside them,
/// so they are removed when one of these is about to change, and not before: a run that repeats an
/// earlier one and fails loses nothing.
#[derive(Clone, Debug)]
pub struct EarlierReport(pub PathBuf);

impl EarlierReport {
    /// Removes the report and the figures, if there are any.
    ///
    /// # Errors
    /// Fails if one cannot be removed.
    pub fn remove(&self) -> Result<()> {
        for file in ["prune.json"].iter().chain(&figures::FILES) {
            let file = self.0.join(file);
            match fs::remove_file(&file) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    Err(error).with_context(|| {
                        format!("{}: cannot remove the old file", file.display())
                    })?;
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Writes a file of the results, unless it has these contents already.
    ///
    /// # Errors
    /// Fails if it cannot be written.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.0.join(name);
        if fs::read(&path).is_ok_and(|found| found == bytes) {
            return Ok(());
        }
        atomic::write_with(&path, |file| {
            file.write_all(bytes)?;
            file.sync_all()?;
            // Only the rename is left.
            self.remove()
        })
    }
}

/// Removes what a killed run was writing in the folder for the results.
///
/// # Errors
/// Fails if it cannot be removed.
pub(crate) fn sweep(out: &Path) -> Result<()> {
    ["", "rounds", "measuring", "measurements"]
        .iter()
        .try_for_each(|part| atomic::sweep(&out.join(part)))?;
    training::sweep(&out.join(from_scratch::FOLDER))?;
    let rounds = fs::read_dir(out.join("rounds")).into_iter().flatten().flatten();
    rounds
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .try_for_each(|round| training::sweep(&round))
}
