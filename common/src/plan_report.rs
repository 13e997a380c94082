//! What `codegen plan` prints: the costs of a network on a platform, known before any training.

use crate::board::Platform;
use crate::files::json::Document;
use crate::manifest::Fit;
use crate::network::Shape;
use crate::precision::Precision;
use serde::{Deserialize, Serialize};

/// The costs of a network on a platform, as `codegen plan` prints them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanReport {
    /// The platform.
    pub platform: Platform,
    /// Numbers that the crate computes with.
    #[serde(default, skip_serializing_if = "Precision::is_f32")]
    pub precision: Precision,
    /// Constants, in flash memory on a microcontroller: packed weights with their padding.
    pub weights_bytes: u64,
    /// Working memory for one inference, without the image and the logits.
    pub arena_bytes: u64,
    /// The least working memory that any plan of these operations needs.
    pub arena_lower_bound_bytes: u64,
    /// Multiply-adds for one image, as the network is described.
    pub macs: u64,
    /// Multiply-adds that are computed: pooling before a 1x1 convolution saves some.
    pub executed_macs: u64,
    /// Trainable parameters.
    pub parameters: u64,
    /// The calls of kernels, in order.
    pub layers: Vec<Layer>,
    /// The work of all calls, by kind of kernel, in the order of the first calls.
    pub work: Vec<Work>,
    /// The memory that the crate needs, and the boards that have it.
    pub fit: Fit,
}

impl Document for PlanReport {
    const KIND: &'static str = "plan";
}

/// One call of a kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// The node that the call is named after.
    pub name: String,
    /// The kernel.
    pub kernel: String,
    /// All nodes that the call computes.
    pub nodes: Vec<String>,
    /// The shape of the input.
    pub input: Shape,
    /// The shape of the output.
    pub output: Shape,
    /// Trainable parameters.
    pub parameters: u64,
    /// Multiply-adds, as the network is described.
    pub macs: u64,
    /// Multiply-adds that are computed.
    pub executed_macs: u64,
    /// Constants: packed weights with their padding.
    pub weights_bytes: u64,
    /// The offset of the output in the arena.
    pub arena_offset_bytes: u64,
    /// Working memory besides input and output.
    pub scratch_bytes: u64,
}

/// The work of all calls of one kind of kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// The kind: that of the layers, of convolutions with the side of their kernels, such as
    /// `convolution_3x3`.
    pub kind: String,
    /// Calls.
    pub calls: u64,
    /// Multiply-adds that are computed.
    pub macs: u64,
    /// The same with those of the columns that fill a row's last vector up: columns are computed
    /// together, as many as the platform's vectors hold.
    pub padded_macs: u64,
    /// Those of `padded_macs` that are in shorter vectors than the platform's longest.
    pub short_macs: u64,
    /// Inputs that are loaded for `padded_macs`: each serves a tile of filters, which are computed
    /// together. In int8, groups of channels that lie side by side.
    pub input_loads: u64,
    /// Groups of four weights, the last filled in part, that a tile's filters need for these inputs.
    pub weight_loads: u64,
    /// Elements of the inputs, each of which is read, normalised and activated once.
    pub elements: u64,
    /// Exponentials that activations compute: none in int8, where they are tables.
    pub exponentials: u64,
    /// Bytes that are read of tensors and constants: each once, and sums once for each chunk of
    /// channels after the first. Scratch memory is left out.
    pub read_bytes: u64,
    /// Bytes of tensors that are written: each once, and sums once for each chunk of channels.
    pub written_bytes: u64,
}
