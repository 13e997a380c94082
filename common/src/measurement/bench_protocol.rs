//! What the `bench` binary of a generated crate prints: one JSON object a line, each as it happens,
//! so that whoever reads a meter can read it at the same moment.

use crate::files::json::Document;
use crate::files::ranges::{COUNT, SIGNED, within};
use crate::measurement::windows::Communication;
use anyhow::Result;
use serde::{Deserialize, Serialize};

/// One line of `bench`'s output. First one `ready`, then for each window a `start` and a `window`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum BenchEvent {
    /// The warm-up is over.
    Ready {
        /// The crate's name.
        name: String,
        /// The instruction set that the kernels chose, e.g. `avx512`.
        kernels: String,
        /// Target triple that the binary was built for.
        target: String,
        /// Threads.
        threads: usize,
        /// Images per inference.
        batch: usize,
    },
    /// A window begins.
    Start {
        /// From 1.
        window: usize,
    },
    /// A window has ended.
    Window {
        /// From 1.
        window: usize,
        /// Inferences in it.
        inferences: u64,
        /// Its length.
        seconds: f64,
        /// Median time of one inference.
        p50_s: f64,
        /// 90th percentile.
        p90_s: f64,
        /// 99th percentile.
        p99_s: f64,
        /// On a processor with a memory of its own: medians of the parts of one inference, as the
        /// device's events time them (Table 3 reports all three). The percentiles above are of the
        /// whole, as the host's clock sees it.
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
                // A clock that went back is told by who measures.
                let times =
                    [("seconds", seconds), ("p50_s", p50_s), ("p90_s", p90_s), ("p99_s", p99_s)];
                times.into_iter().try_for_each(|(key, time)| within(key, *time, &SIGNED))?;
                communication.iter().try_for_each(Communication::check)
            }
        }
    }
}
