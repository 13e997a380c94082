//! `manifest.json` of a generated crate or model: what it is and what it needs, known before it is built.

use crate::json::Document;
use serde::{Deserialize, Serialize};

/// `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The crate's name.
    pub name: String,
    /// The platform it was generated for.
    pub platform: String,
    /// SHA-256 of the `network.json` it was generated from.
    pub network_sha256: String,
    /// SHA-256 of the `weights.safetensors` it was generated from.
    pub weights_sha256: String,
    /// Trainable parameters.
    pub parameters: u64,
    /// Multiply-adds for one image, as the template counts them.
    pub macs: u64,
    /// Bytes of constants: packed weights.
    pub weights_bytes: u64,
    /// Bytes of working memory for one inference: what a crate reserves; for a model, whose memory is planned by the program
    /// that runs it, the least that it can do with.
    pub arena_bytes: u64,
}

impl Document for Manifest {
    const KIND: &'static str = "manifest";
}
