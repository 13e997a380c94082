//! Shapes, parameters and MACs: the one counter of the whole project.

use crate::network::graph::{Network, Node, Op, Shape};
use crate::network::shapes::shapes;
use anyhow::Result;
use serde::Serialize;

/// What a network costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Trainable tensor elements: weights, biases, batch normalisation's gamma and beta; not its
    /// running statistics.
    pub parameters: u64,
    /// Multiply-adds for one image: one per use of a weight of a convolution or of the classifier.
    pub macs: u64,
}

/// Multiply-adds of one node whose output shape is `output`.
pub fn macs(node: &Node, output: Shape) -> u64 {
    match node.op {
        Op::Conv2d { in_channels, kernel, .. } => {
            (output.elements() as u64) * (in_channels * kernel * kernel) as u64
        }
        Op::Linear { in_features, out_features } => (in_features * out_features) as u64,
        Op::BatchNorm { .. }
        | Op::Activation(_)
        | Op::Dropout { .. }
        | Op::Concat {}
        | Op::Add {}
        | Op::Shortcut { .. }
        | Op::AveragePool { .. }
        | Op::GlobalAveragePool {}
        | Op::GlobalMaxPool {} => 0,
    }
}

/// Parameters and MACs of a whole network.
///
/// # Errors
/// As [`shapes`].
pub fn count(network: &Network) -> Result<Counts> {
    let shapes = shapes(network)?;
    let parameters = network.nodes.iter().map(Node::parameters).sum();
    let macs = network
        .nodes
        .iter()
        .zip(&shapes)
        .map(|(node, shape)| macs(node, *shape))
        .fold(0, u64::saturating_add);
    Ok(Counts { parameters, macs })
}

/// Network information density (paper, Table 3): accuracy (0..1) per million trainable parameters.
/// Ten to the sixth times the Score of equation 1.
pub fn network_information_density(accuracy: f64, parameters: u64) -> f64 {
    accuracy / (parameters as f64 / 1e6)
}
