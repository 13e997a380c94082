//! A lock that allows one run at a time in a folder.

use crate::interrupt::Interrupt;
use anyhow::{Context, Result, bail};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Time for which a lock that another process holds is retried.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Interval between attempts.
const POLL: Duration = Duration::from_millis(50);

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
            Err(TryLockError::WouldBlock) if begun.elapsed() < TIMEOUT => sleep(POLL),
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

/// Waits for the lock of an open file or folder and takes it until the file is dropped; calls
/// `on_wait` once if another process holds it. Returns whether it is locked: some file systems have
/// no locks.
///
/// # Errors
/// Fails if a termination signal is received meanwhile.
pub fn wait_for_lock(file: &File, interrupt: &Interrupt, on_wait: impl FnOnce()) -> Result<bool> {
    let mut on_wait = Some(on_wait);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(_)) => return Ok(false),
            Err(TryLockError::WouldBlock) => {
                if let Some(on_wait) = on_wait.take() {
                    on_wait();
                }
                interrupt.check()?;
                sleep(POLL);
            }
        }
    }
}
