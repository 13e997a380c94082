//! One run at a time in a folder.

use anyhow::{Context, Result, bail};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a lock that another process holds is tried for.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Locks a folder until the file is dropped. The lock is the kernel's, so it ends with the process
/// that holds it, however that ends. A training that a killed run was just starting has a copy of
/// it until its own program is loaded, so a lock that is held is tried for a while.
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
