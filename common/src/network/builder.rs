//! Builder of networks.

use crate::network::activation::PiecewiseActivation;
use crate::network::graph::{INPUT, Node, Op};

/// A network under construction. By default, the input of a new node is the last node.
pub(crate) struct Builder {
    /// Nodes so far.
    pub(crate) nodes: Vec<Node>,
    /// Channels of the last node.
    pub(crate) channels: usize,
    /// Name of the last node.
    pub(crate) last: String,
}

impl Builder {
    /// Returns a builder without nodes, for images with the given number of channels.
    pub(crate) fn new(channels: usize) -> Builder {
        Builder { nodes: Vec::new(), channels, last: INPUT.to_string() }
    }

    /// Adds a node that takes the last one and keeps the number of channels.
    pub(crate) fn push(&mut self, name: &str, op: Op) {
        let input = self.last.clone();
        self.push_with(name, op, vec![input]);
    }

    /// Adds a node with the given inputs.
    pub(crate) fn push_with(&mut self, name: &str, op: Op, inputs: Vec<String>) {
        self.nodes.push(Node { name: name.to_string(), op, inputs });
        self.last = name.to_string();
    }

    /// Adds a convolution.
    pub(crate) fn conv(&mut self, name: &str, out_channels: usize, kernel: usize, stride: usize) {
        self.push(name, Op::Conv2d { in_channels: self.channels, out_channels, kernel, stride });
        self.channels = out_channels;
    }

    /// Adds a batch normalisation.
    pub(crate) fn norm(&mut self, name: &str) {
        self.push(name, Op::BatchNorm { channels: self.channels });
    }

    /// Adds a batch normalisation and an activation, `NAME.norm` and `NAME.activation`.
    pub(crate) fn norm_and_activation(&mut self, name: &str, activation: PiecewiseActivation) {
        self.norm(&format!("{name}.norm"));
        self.push(&format!("{name}.activation"), Op::Activation(activation));
    }

    /// Adds the classifier.
    pub(crate) fn classifier(&mut self, name: &str, classes: usize) {
        self.push(name, Op::Linear { in_features: self.channels, out_features: classes });
        self.channels = classes;
    }
}
