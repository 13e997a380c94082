//! What the harness and its peers say to each other, one JSON object a line; `peers.py` speaks it
//! too.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a peer is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub(crate) enum Ask {
    /// Build the network, which has so many trainable parameters, and do the warm-up steps.
    Prepare { network: PathBuf, batch: usize, parameters: u64 },
    /// Do full optimisation steps.
    Steps { count: usize },
    /// Multiply two square float32 matrices.
    Multiply { size: usize, count: usize },
}

/// What a peer says before the first ask.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hello {
    /// Software and instruction set.
    pub(crate) version: String,
    /// Peak memory with nothing but the libraries loaded, where it is known.
    pub(crate) peak_bytes: Option<u64>,
}

/// What a peer says to an ask.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    /// Of each step or product.
    pub(crate) seconds: Vec<f64>,
    /// Peak memory of the process so far, where it is known.
    pub(crate) peak_bytes: Option<u64>,
    /// Why it was not done.
    pub(crate) error: Option<String>,
}
