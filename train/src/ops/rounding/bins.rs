//! The bins of a table: which arguments share an index.

use common::quantized::parameters::TABLE;

/// Bins of equal width: the index of an argument `p` is the floor of `p / step + origin`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bins {
    /// Width of a bin.
    pub(crate) step: f64,
    /// Index of the argument 0, with its fraction.
    pub(crate) origin: f64,
}

impl Bins {
    /// Returns the bins from `low`, at most 0, to `high`, at least 0; `None` if both are 0. 0 is
    /// the share `phase` of a bin above its lower end.
    pub(crate) fn new(low: f64, high: f64, phase: f64) -> Option<Bins> {
        let last = (TABLE - 1) as f64;
        // Neither end is a multiple of the step for certain, which can take one index.
        let step = (high - low) / if low < 0.0 { last - 1.0 } else { last };
        if step <= 0.0 {
            return None;
        }
        let below = (-low / step - 1e-9).ceil().max(0.0);
        // Without a bin below 0, arguments below it would share the one from 0 on.
        let zero = if phase == 0.0 { below.max(1.0) } else { below };
        Some(Bins { step, origin: zero + phase })
    }
}
