//! Output of a generated crate's `bench` binary: one JSON object per line, written as soon as the
//! event happens, so that a meter can be read at the same moment.

use crate::files::json::Document;
use crate::files::ranges::{COUNT, SIGNED, within};
use crate::measurement::windows::Communication;
use anyhow::Result;
use serde::{Deserialize, Serialize};

/// A line of `bench`'s output: first `ready`, then `start` and `window` for each window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum BenchEvent {
    /// The warm-up has ended.
    Ready {
        /// Name of the crate.
        name: String,
        /// Instruction set that the kernels use, e.g. `avx512`.
        kernels: String,
        /// Target triple of the binary.
        target: String,
        /// Number of threads.
        threads: usize,
        /// Images per inference.
        batch: usize,
    },
    /// A window has begun.
    Start {
        /// Number of the window, from 1.
        window: usize,
    },
    /// A window has ended.
    Window {
        /// Number of the window, from 1.
        window: usize,
        /// Inferences in the window.
        inferences: u64,
        /// Length of the window in seconds.
        seconds: f64,
        /// Median time of one inference in seconds.
        p50_s: f64,
        /// 90th percentile in seconds.
        p90_s: f64,
        /// 99th percentile in seconds.
        p99_s: f64,
        /// On a processor with its own memory: medians of the parts of one inference, timed by the
        /// device's events (Table 3 reports all three). The percentiles above are of the whole
        /// inference on the host's clock.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        communication: Option<Communication>,
    },
}

impl Document for BenchEvent {
    const KIND: &'static str = "bench";

    fn check(&self) -> Result<()> {
        match self {
            BenchEvent::Ready { threads, batch, .. } => {
                within("threads", *threads, &COUNT)?;
                within("batch", *batch, &COUNT)
            }
            BenchEvent::Start { window } => within("window", *window, &COUNT),
            BenchEvent::Window {
                window,
                inferences,
                seconds,
                p50_s,
                p90_s,
                p99_s,
                communication,
            } => {
                within("window", *window, &COUNT)?;
                within("inferences", *inferences, &(0..=1 << 50))?;
                // Negative times of a clock that went back are reported by the measuring program.
                let times =
                    [("seconds", seconds), ("p50_s", p50_s), ("p90_s", p90_s), ("p99_s", p99_s)];
                times.into_iter().try_for_each(|(key, time)| within(key, *time, &SIGNED))?;
                communication.iter().try_for_each(Communication::check)
            }
        }
    }
}
