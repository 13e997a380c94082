//! Parameters and multiply-adds (MACs) of networks. No other code counts them.

use crate::network::graph::{Network, Node, Op, Shape};
use crate::network::shapes::shapes;
use anyhow::Result;
use serde::Serialize;

/// The costs of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Trainable tensor elements: weights, biases, batch normalisation's gamma and beta; not its
    /// running statistics.
    pub parameters: u64,
    /// Multiply-adds for one image: one for each use of a weight of a convolution or of the
    /// classifier.
    pub macs: u64,
}

/// Returns the multiply-adds of one node with the output shape `output`.
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

/// Returns the parameters and multiply-adds of a network.
///
/// # Errors
/// Fails like [`shapes`].
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

/// Returns the network information density (paper, Table 3): accuracy (0..1) per million trainable
/// parameters. It is ten to the sixth times the Score of equation 1.
pub fn network_information_density(accuracy: f64, parameters: u64) -> f64 {
    accuracy / (parameters as f64 / 1e6)
}
