//! Ctrl-C and its like: downloads end and what they left is removed before the program ends.

use anyhow::{Result, ensure};
pub(super) use common::interrupt::watch as install;
use std::io::{self, Read};

const MESSAGE: &str =
    "interrupted; files that are in their place are kept, and the same command goes on from there";

/// # Errors
/// A signal has come.
pub(super) fn check() -> Result<()> {
    ensure!(!common::interrupt::is_caught(), MESSAGE);
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
