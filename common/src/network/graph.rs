//! The graph of a network, with explicit channel counts. Template networks, pruned ones and
//! baselines have the same form in every stage.

use crate::network::activation::PiecewiseActivation;
use crate::resize::{Resize, is_default};
use crate::search::genome::{Genome, Optimizer};
use anyhow::{Result, bail};
use pictures::Target;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The name by which nodes refer to the image.
pub const INPUT: &str = "input";

/// Epsilon of every batch normalisation, as in PyTorch.
pub const BATCH_NORM_EPSILON: f64 = 1e-5;

/// A network (`network.json`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Origin of the network.
    pub origin: Origin,
    /// Shape of the images and their normalisation.
    pub input: Input,
    /// Names of the classes. The output is one logit for each, before softmax.
    pub classes: Vec<String>,
    /// Nodes in an order in which they can be computed; the last one is the output.
    pub nodes: Vec<Node>,
}

/// The origin of a network: the genome or baseline that it was expanded from, perhaps before
/// pruning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Origin {
    /// A genome, expanded by the template.
    Genome(Genome),
    /// A baseline ([`crate::network::baseline`]).
    Baseline {
        /// Name of the baseline.
        name: String,
        /// Optimizer that trains the network.
        optimizer: Optimizer,
    },
}

/// The shape and normalisation of a network's input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Channels: 1 for grey, 3 for colour.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
    /// For each channel, the value that is subtracted from pixel values scaled to 0..1.
    pub mean: Vec<f32>,
    /// For each channel, the divisor of the difference.
    pub std: Vec<f32>,
    /// Rule for pictures of another shape.
    #[serde(default, with = "crate::resize", skip_serializing_if = "is_default")]
    pub resize: Resize,
}

/// A node of the graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Unique name of lower-case letters, digits, `_` and `.`; also the prefix of the node's
    /// tensors.
    pub name: String,
    /// Operation of the node.
    pub op: Op,
    /// Names of the input nodes, or [`INPUT`].
    pub inputs: Vec<String>,
}

/// The operation of a node. Convolutions have no bias and "same" padding, `kernel / 2` on each
/// side.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Op {
    /// Convolution.
    Conv2d {
        /// Input channels.
        in_channels: usize,
        /// Output channels: the number of filters.
        out_channels: usize,
        /// Side of the square kernel, odd.
        kernel: usize,
        /// Stride in both directions.
        stride: usize,
    },
    /// Batch normalisation over channels.
    BatchNorm {
        /// Input and output channels.
        channels: usize,
    },
    /// Piece-wise activation.
    Activation(PiecewiseActivation),
    /// Dropout of single elements, in training only.
    Dropout {
        /// Probability of setting an element to 0.
        probability: f64,
    },
    /// Concatenation of the inputs' channels, in the order of the inputs.
    Concat {},
    /// Sum of two inputs of the same shape, element by element.
    Add {},
    /// Shortcut without parameters (He et al. 2016, option A): the first of every `stride` rows and
    /// columns, followed by channels of zeros.
    Shortcut {
        /// Output channels, at least as many as the input has.
        out_channels: usize,
        /// Stride in both directions.
        stride: usize,
    },
    /// Average over non-overlapping squares. Rows and columns that do not fill a square are
    /// ignored.
    AveragePool {
        /// Side of the squares, and the stride.
        size: usize,
    },
    /// Average over all positions of a channel.
    GlobalAveragePool {},
    /// Largest value over all positions of a channel.
    GlobalMaxPool {},
    /// Fully connected layer with bias.
    Linear {
        /// Input values.
        in_features: usize,
        /// Output values.
        out_features: usize,
    },
}

/// The shape of one image's tensor: channels, rows, columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Channels.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Shape {
    /// Returns the number of positions in one channel.
    pub fn plane(&self) -> usize {
        self.height * self.width
    }

    /// Returns the number of elements.
    pub fn elements(&self) -> usize {
        self.channels * self.plane()
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}

impl Origin {
    /// Returns the genome; `None` for a baseline.
    pub fn genome(&self) -> Option<Genome> {
        match self {
            Origin::Genome(genome) => Some(*genome),
            Origin::Baseline { .. } => None,
        }
    }

    /// Returns the optimizer that trains the network.
    pub fn optimizer(&self) -> Optimizer {
        match self {
            Origin::Genome(genome) => genome.optimizer,
            Origin::Baseline { optimizer, .. } => *optimizer,
        }
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Genome(genome) => write!(f, "{genome}"),
            Origin::Baseline { name, optimizer } => write!(f, "{name}, {optimizer}"),
        }
    }
}

impl Input {
    /// Returns the shape of the input.
    pub fn shape(&self) -> Shape {
        Shape { channels: self.channels, height: self.height, width: self.width }
    }

    /// Returns the shape of the input and the rule for pictures of another shape.
    pub fn target(&self) -> Target {
        let Input { channels, height, width, resize, .. } = *self;
        Target { channels, height, width, resize }
    }

    /// Returns a pixel (0..=255) of a channel after normalisation.
    pub fn normalise(&self, channel: usize, pixel: u8) -> f32 {
        (f32::from(pixel) / 255.0 - self.mean[channel]) / self.std[channel]
    }
}

impl Node {
    /// Returns the number of trainable elements: weights, biases, batch normalisation's gamma and
    /// beta; not its running statistics.
    pub fn parameters(&self) -> u64 {
        let elements = match self.op {
            Op::Conv2d { in_channels, out_channels, kernel, .. } => {
                in_channels * out_channels * kernel * kernel
            }
            Op::BatchNorm { channels } => 2 * channels,
            Op::Linear { in_features, out_features } => in_features * out_features + out_features,
            Op::Activation(_)
            | Op::Dropout { .. }
            | Op::Concat {}
            | Op::Add {}
            | Op::Shortcut { .. }
            | Op::AveragePool { .. }
            | Op::GlobalAveragePool {}
            | Op::GlobalMaxPool {} => 0,
        };
        elements as u64
    }
}

impl Network {
    /// Returns for each node the indices of its input nodes; `None` stands for the image.
    ///
    /// # Errors
    /// Fails if an input of a node is not an earlier node.
    pub fn input_indices(&self) -> Result<Vec<Vec<Option<usize>>>> {
        let mut seen = HashMap::new();
        let mut all = Vec::with_capacity(self.nodes.len());
        for (index, node) in self.nodes.iter().enumerate() {
            let mut indices = Vec::with_capacity(node.inputs.len());
            for input in &node.inputs {
                match seen.get(input.as_str()) {
                    _ if input == INPUT => indices.push(None),
                    Some(&source) => indices.push(Some(source)),
                    None => {
                        bail!("node {}: its input {input:?} is not a node before it", node.name)
                    }
                }
            }
            all.push(indices);
            seen.insert(node.name.as_str(), index);
        }
        Ok(all)
    }
}
