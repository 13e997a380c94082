//! The protocol between the harness and its peers: one JSON object a line. `peers.py` implements it
//! too.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A request to a peer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case")]
pub(crate) enum Request {
    /// Build the network, check its number of trainable parameters, and do the warm-up steps.
    Prepare { network: PathBuf, batch: usize, parameters: u64 },
    /// Do full optimisation steps.
    Steps { count: usize },
    /// Multiply two square float32 matrices.
    Multiply { size: usize, count: usize },
}

/// The first message of a peer, before any request.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hello {
    /// Software, its version and the instruction set.
    pub(crate) version: String,
    /// Peak memory of the process with only its libraries loaded, if known.
    pub(crate) peak_bytes: Option<u64>,
}

/// The response of a peer to a request.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Response {
    /// Time of each step or product.
    pub(crate) seconds: Vec<f64>,
    /// Peak memory of the process so far, if known.
    pub(crate) peak_bytes: Option<u64>,
    /// The reason if the request failed.
    pub(crate) error: Option<String>,
}
