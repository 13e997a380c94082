//! The results of a session: the reports of `bench`, with the meter's readings.

use crate::meter::Interval;
use anyhow::{Result, ensure};
use common::measurement::Communication;

/// The report of `bench` about itself after its warm-up.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ready {
    /// Instruction set that the kernels chose.
    pub(crate) kernels: String,
    /// Target triple.
    pub(crate) target: String,
    /// Number of threads.
    pub(crate) threads: usize,
    /// Images per inference.
    pub(crate) batch: usize,
    /// Number of the process on this machine in which `bench` runs or by which it is reached.
    pub(crate) pid: u32,
}

/// One window: the report of `bench`, and the meter's readings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MeasuredWindow {
    /// Number of inferences, at least one.
    pub(crate) inferences: u64,
    /// Length on the board's clock, in seconds.
    pub(crate) seconds: f64,
    /// Median time of one inference, in seconds.
    pub(crate) p50_s: f64,
    /// 90th percentile, in seconds.
    pub(crate) p90_s: f64,
    /// 99th percentile, in seconds.
    pub(crate) p99_s: f64,
    /// Times of copying and computing, if they are separate.
    pub(crate) communication: Option<Communication>,
    /// The meter's readings between the window's two lines.
    pub(crate) interval: Interval,
}

impl MeasuredWindow {
    /// Checks that what `bench` reports about the window can be right. `number` counts from 1.
    ///
    /// # Errors
    /// Fails if there was no inference, or if a time is not positive and finite.
    pub(crate) fn check(&self, number: usize) -> Result<()> {
        let MeasuredWindow { inferences, seconds, p50_s, p90_s, p99_s, communication, .. } = self;
        ensure!(
            *inferences > 0,
            "bench made no inference in window {number}; is `window_s` long enough?"
        );
        let ordered = 0.0 < *p50_s && p50_s <= p90_s && p90_s <= p99_s && p99_s.is_finite();
        ensure!(
            ordered && *seconds > 0.0 && seconds.is_finite(),
            "bench's times of window {number} cannot be right: {seconds} s with percentiles \
             {p50_s}, {p90_s} and {p99_s} s"
        );
        let parts = communication.iter().flat_map(|c| [c.h2d_s, c.kernel_s, c.d2h_s]);
        ensure!(
            parts.into_iter().all(|part| part.is_finite() && part > 0.0),
            "bench's times of copying and computing in window {number} cannot be right: \
             {communication:?}"
        );
        Ok(())
    }
}
