//! Termination signals during an import.

use process::interrupt::Interrupt;

/// The message of an import when a signal ends it.
pub(crate) const INTERRUPT: Interrupt =
    Interrupt::new("nothing was changed, and the same command starts again");
