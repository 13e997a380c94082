//! Limits within which a number of watts can be the power of a board.

/// Power is negative by no more than this if it is noise, such as that of a current sensor while no
/// current flows.
pub(crate) const NOISE_W: f64 = 0.02;
/// No meter of a board shows more than this; a larger number encodes something else, such as
/// "unknown".
pub(crate) const MAX_W: f64 = 1e6;
/// Longest time between two samples over which power is interpolated.
pub(crate) const MAX_GAP_S: f64 = 2.0;
