//! Termination signals: downloads end, and their files are removed before the program ends.

use process::interrupt::Interrupt;
use std::io::{self, Read};

/// The message of `fetch-data` when a signal ends it.
pub(super) const INTERRUPT: Interrupt = Interrupt::new(
    "files that are in their place are kept, and the same command goes on from there",
);

/// A reader that fails once a signal has been received.
pub(super) struct Interruptible<R>(pub(super) R);

impl<R: Read> Read for Interruptible<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        INTERRUPT.check().map_err(io::Error::other)?;
        self.0.read(buffer)
    }
}
