//! What an earlier run has left in the folder for the results.

use crate::{figures, scratch, training};
use anyhow::{Context, Result};
use common::atomic;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Report and figures of an earlier run, which are true only of the files beside them. They stay
/// until one of these is about to change: a run that repeats what is there, and fails, loses
/// nothing.
#[derive(Clone, Debug)]
pub struct EarlierReport(pub PathBuf);

impl EarlierReport {
    /// Removes them; they may be missing.
    ///
    /// # Errors
    /// One cannot be removed.
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

    /// Writes a file of the results, unless it is there already as it is to be.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.0.join(name);
        if fs::read(&path).is_ok_and(|found| found == bytes) {
            return Ok(());
        }
        atomic::write_with(&path, |file| {
            file.write_all(bytes)?;
            file.sync_all()?;
            // Now nothing but the change itself is left to be done.
            self.remove()
        })
    }
}

/// Removes what a killed run was writing.
///
/// # Errors
/// It cannot be removed.
pub(crate) fn sweep(out: &Path) -> Result<()> {
    ["", "rounds", "measuring", "measurements"]
        .iter()
        .try_for_each(|part| atomic::sweep(&out.join(part)))?;
    training::sweep(&out.join(scratch::FOLDER))?;
    let rounds = fs::read_dir(out.join("rounds")).into_iter().flatten().flatten();
    rounds
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .try_for_each(|round| training::sweep(&round))
}
