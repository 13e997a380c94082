//! Ctrl-C and its like: what was begun is cleaned up, here and on a board, before the program ends.

use anyhow::{Result, ensure};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// How often whoever waits looks here.
pub(crate) const POLL: Duration = Duration::from_millis(100);

static CAUGHT: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// From now on the first signal of a kind does not end the program at once.
///
/// # Errors
/// The system does not allow it.
pub(crate) fn install() -> Result<()> {
    if CAUGHT.get().is_none() {
        let caught = common::interrupt::catch(&common::interrupt::ENDINGS)?;
        CAUGHT.get_or_init(|| caught);
    }
    Ok(())
}

/// # Errors
/// A signal has come.
pub(crate) fn check() -> Result<()> {
    let caught = CAUGHT.get().is_some_and(|caught| caught.load(Ordering::Relaxed));
    ensure!(!caught, "interrupted; nothing was written, and the same command measures again");
    Ok(())
}

/// # Errors
/// A signal came meanwhile.
pub(crate) fn sleep(time: Duration) -> Result<()> {
    let start = Instant::now();
    loop {
        check()?;
        let left = time.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Ok(());
        }
        thread::sleep(left.min(POLL));
    }
}
