//! Ctrl-C and its like: what was begun is cleaned up, here and on a board, before the program ends.

use anyhow::{Context, Result, ensure};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

/// How often whoever waits looks here.
pub(crate) const POLL: Duration = Duration::from_millis(100);

static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// From now on a signal does not end the program at once.
///
/// # Errors
/// The system does not allow it.
pub(crate) fn install() -> Result<()> {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&INTERRUPTED)).context("cannot install a signal handler")?;
    }
    Ok(())
}

/// # Errors
/// A signal has come.
pub(crate) fn check() -> Result<()> {
    ensure!(!INTERRUPTED.load(Ordering::Relaxed), "interrupted; nothing was written");
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
