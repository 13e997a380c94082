//! Termination signals: what was begun is cleaned up, here and on a board, before the program ends.

use process::interrupt::Interrupt;

/// What `measure` says when a signal ends it.
pub(crate) const INTERRUPT: Interrupt =
    Interrupt::new("nothing was written, and the same command measures again");
