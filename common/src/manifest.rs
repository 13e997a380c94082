//! `manifest.json` of a generated crate or model: its origin and its needs, which are known before
//! it is built.

use crate::board::Platform;
use crate::files::json;
use crate::files::json::Document;
use crate::files::ranges::{BYTES, MACS, PARAMETERS, all_within, within};
use crate::network::Input;
use crate::precision::Precision;
use crate::resize::{FILTER, Resize};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The contents of `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Name of the crate.
    pub name: String,
    /// Platform that it was generated for.
    pub platform: Platform,
    /// Numbers that it computes with.
    #[serde(default, skip_serializing_if = "Precision::is_f32")]
    pub precision: Precision,
    /// SHA-256 of the `network.json` it was generated from.
    pub network_sha256: String,
    /// SHA-256 of the `weights.safetensors`, or `quantized.safetensors`, it was generated from.
    pub weights_sha256: String,
    /// Trainable parameters.
    pub parameters: u64,
    /// Multiply-adds for one image, counted in the network as it was given.
    pub macs: u64,
    /// Bytes of constants (packed weights).
    pub weights_bytes: u64,
    /// Bytes of working memory for one inference. For a crate, the bytes that it reserves; for a
    /// model, whose memory is planned by the program that runs it, the lower bound.
    pub arena_bytes: u64,
    /// Lower bound of the working memory under any plan of these operations: the maximum over all
    /// operations of the bytes of tensors that must exist at the same time, with concatenations in
    /// place, without the image and without scratch memory.
    pub arena_lower_bound_bytes: u64,
    /// Layers with multiply-adds, in the order in which they are computed.
    pub layers: Vec<LayerMacs>,
    /// How pictures become the images that the network takes; `None` in earlier files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Preprocessing>,
    /// Memory needs of the crate and the boards that meet them; a model has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fit: Option<Fit>,
}

/// How pictures become the images that a network takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// Rule for pictures of another shape.
    #[serde(with = "crate::resize")]
    pub resize: Resize,
    /// Filter of scaling.
    pub filter: String,
}

impl Preprocessing {
    /// Returns the preprocessing of a network.
    pub fn of(input: &Input) -> Preprocessing {
        Preprocessing { resize: input.resize, filter: FILTER.to_string() }
    }
}

/// Memory needs of a crate and the boards that meet them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fit {
    /// For a microcontroller: upper bound of the bytes of memory for code and constants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flash_bytes: Option<u64>,
    /// For a microcontroller: upper bound of the bytes of memory for variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ram_bytes: Option<u64>,
    /// For a GPU: bytes of its memory for constants, working memory, and the image and logits of
    /// one image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_bytes: Option<u64>,
    /// Names of the boards of this platform that ship with NeuroPower and are large enough.
    pub boards: Vec<String>,
}

/// The multiply-adds of one layer, for one image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerMacs {
    /// Name of the node in the network.
    pub name: String,
    /// Multiply-adds of the network as it was given.
    pub macs: u64,
    /// Multiply-adds that are executed: pooling before a 1x1 convolution saves some.
    pub executed_macs: u64,
}

impl Manifest {
    /// Reads the manifest in a folder.
    ///
    /// # Errors
    /// Fails if there is no manifest, or if this version does not write such a manifest.
    pub fn read(folder: &Path) -> Result<Manifest> {
        json::read(&folder.join("manifest.json")).with_context(|| {
            format!(
                "{}: not a crate or model of this version; generate it again with codegen",
                folder.display()
            )
        })
    }

    /// Returns the bytes of constants and, on a microcontroller, of code.
    pub fn flash_bytes(&self) -> u64 {
        let flash = self.fit.as_ref().and_then(|fit| fit.flash_bytes);
        flash.unwrap_or(self.weights_bytes)
    }
}

impl Document for Manifest {
    const KIND: &'static str = "manifest";

    fn check(&self) -> Result<()> {
        within("parameters", self.parameters, &PARAMETERS)?;
        within("macs", self.macs, &MACS)?;
        within("weights_bytes", self.weights_bytes, &BYTES)?;
        within("arena_bytes", self.arena_bytes, &BYTES)?;
        within("arena_lower_bound_bytes", self.arena_lower_bound_bytes, &BYTES)?;
        for (index, layer) in self.layers.iter().enumerate() {
            within(&format!("layers[{index}].macs"), layer.macs, &MACS)?;
            within(&format!("layers[{index}].executed_macs"), layer.executed_macs, &MACS)?;
        }
        let Some(fit) = &self.fit else { return Ok(()) };
        for (key, bytes) in [
            ("flash_bytes", fit.flash_bytes),
            ("ram_bytes", fit.ram_bytes),
            ("device_bytes", fit.device_bytes),
        ] {
            all_within(&format!("fit.{key}"), bytes, &BYTES)?;
        }
        Ok(())
    }
}
