//! Ctrl-C and its like: what was begun is cleaned up, here and on a board, before the program ends.

use anyhow::{Result, ensure};
pub(crate) use common::interrupt::watch as install;
use std::thread;
use std::time::{Duration, Instant};

/// How often whoever waits looks here.
pub(crate) const POLL: Duration = Duration::from_millis(100);

/// # Errors
/// A signal has come.
pub(crate) fn check() -> Result<()> {
    ensure!(
        !common::interrupt::is_caught(),
        "interrupted; nothing was written, and the same command measures again"
    );
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
