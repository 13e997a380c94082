//! A lock that allows one run at a time in a folder.

use anyhow::{Context, Result, bail};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Time for which a lock that another process holds is retried.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Locks a folder until the returned file is dropped. The kernel releases the lock when the process
/// that holds it ends, even if it is killed. A training that a killed run was starting holds a copy
/// of the lock until its own program is loaded, so the lock is retried for a while.
///
/// # Errors
/// Fails if another run holds it, or if the folder cannot be written.
pub fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(".lock");
    let failed = || format!("{}: cannot lock the file", path.display());
    let file = OpenOptions::new().create(true).append(true).open(&path).with_context(failed)?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if begun.elapsed() < TIMEOUT => sleep(TIMEOUT / 40),
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "another run is at work in {}: wait for it, or choose another folder",
                    folder.display()
                )
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(failed),
        }
    }
}
