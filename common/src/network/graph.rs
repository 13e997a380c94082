//! A network as an explicit graph with explicit channel counts: a template network, a pruned one
//! and a baseline are the same thing to every stage.

use crate::network::activation::PiecewiseActivation;
use crate::search::genome::{Genome, Optimizer};
use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The name by which nodes refer to the image.
pub const INPUT: &str = "input";

/// Added to the variance by every batch normalisation, as in PyTorch.
pub const BATCH_NORM_EPSILON: f64 = 1e-5;

/// `network.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// What the network was made from.
    pub origin: Origin,
    /// The images it takes and how they are normalised.
    pub input: Input,
    /// The names of the classes; the output is one logit for each, before softmax.
    pub classes: Vec<String>,
    /// The nodes in an order in which they can be computed; the last one is the output.
    pub nodes: Vec<Node>,
}

/// What a network was made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Origin {
    /// The genome whose template expansion this is, or was before pruning.
    Genome(Genome),
    /// The baseline that this is, or was before pruning ([`crate::network::baseline`]).
    Baseline {
        /// Its name.
        name: String,
        /// What trains it.
        optimizer: Optimizer,
    },
}

/// Shape and normalisation of a network's input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Channels: 1 for grey, 3 for colour.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
    /// Per channel, subtracted from pixel values scaled to 0..1.
    pub mean: Vec<f32>,
    /// Per channel, what the difference is divided by.
    pub std: Vec<f32>,
}

/// One node of the graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Unique; lower-case letters, digits, `_` and `.`; also the prefix of the node's tensors.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// The nodes it takes, or [`INPUT`].
    pub inputs: Vec<String>,
}

/// What a node computes. Convolutions have no bias and "same" padding, `kernel / 2` on each side.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Op {
    /// Convolution.
    Conv2d {
        /// Channels taken.
        in_channels: usize,
        /// Channels made: the number of filters.
        out_channels: usize,
        /// Side of the square kernel, odd.
        kernel: usize,
        /// Step in both directions.
        stride: usize,
    },
    /// Batch normalisation over channels.
    BatchNorm {
        /// Channels taken and made.
        channels: usize,
    },
    /// The piece-wise activation.
    Activation(PiecewiseActivation),
    /// Dropout of single elements, in training only.
    Dropout {
        /// Probability of setting an element to 0.
        probability: f64,
    },
    /// Concatenation of the inputs' channels, in the order of the inputs.
    Concat {},
    /// Sum of two inputs of one shape, element by element.
    Add {},
    /// A shortcut without parameters (He et al. 2016, option A): of each `stride` rows and columns
    /// the first, then channels of zeros after those taken.
    Shortcut {
        /// Channels made, no fewer than are taken.
        out_channels: usize,
        /// Step in both directions.
        stride: usize,
    },
    /// Average of non-overlapping squares; rows and columns that do not fill a square are left out.
    AveragePool {
        /// Side of the squares, and the step.
        size: usize,
    },
    /// Average over all positions of a channel.
    GlobalAveragePool {},
    /// Largest value over all positions of a channel.
    GlobalMaxPool {},
    /// Fully connected, with bias.
    Linear {
        /// Values taken.
        in_features: usize,
        /// Values made.
        out_features: usize,
    },
}

/// Channels, rows and columns of one image's tensor.
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
    /// Positions in one channel.
    pub fn plane(&self) -> usize {
        self.height * self.width
    }

    /// Elements in all.
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
    /// The genome, where it is one.
    pub fn genome(&self) -> Option<Genome> {
        match self {
            Origin::Genome(genome) => Some(*genome),
            Origin::Baseline { .. } => None,
        }
    }

    /// What trains the network.
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
    /// The input's shape.
    pub fn shape(&self) -> Shape {
        Shape { channels: self.channels, height: self.height, width: self.width }
    }

    /// A pixel of a channel (0..=255) as the network takes it.
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
    /// For each node, the indices of the nodes it takes; `None` stands for the image.
    ///
    /// # Errors
    /// A node takes something that is not before it.
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
