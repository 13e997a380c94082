//! Ctrl-C and its like: downloads end and what they left is removed before the program ends.

use anyhow::{Result, ensure};
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

static CAUGHT: OnceLock<Arc<AtomicBool>> = OnceLock::new();
const MESSAGE: &str = "interrupted; files that are in their place are kept, and the same command goes on from there";

/// From now on the first signal of a kind does not end the program at once.
pub(super) fn install() -> Result<()> {
    let caught = common::interrupt::catch(&common::interrupt::ENDINGS)?;
    CAUGHT.get_or_init(|| caught);
    Ok(())
}

/// # Errors
/// A signal has come.
pub(super) fn check() -> Result<()> {
    ensure!(!CAUGHT.get().is_some_and(|caught| caught.load(Ordering::Relaxed)), MESSAGE);
    Ok(())
}

/// A reader that fails once a signal has come.
pub(super) struct Interruptible<R>(pub(super) R);

impl<R: Read> Read for Interruptible<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        check().map_err(io::Error::other)?;
        self.0.read(buffer)
    }
}
