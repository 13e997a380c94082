//! Networks in which every pair of activations occurs.

use super::{SWISH_RELU, small};
use common::network::activation::PiecewiseActivation;
use common::network::reference::forward_all;
use common::network::weights::Weights;
use common::network::{INPUT, Network, Node, Op};

/// The distance from 0 below which a rounding difference may change the sign.
const NEAR_ZERO: f32 = 1e-5;

/// Returns a node.
pub(crate) fn node(name: &str, op: Op, inputs: &[&str]) -> Node {
    Node { name: name.to_string(), op, inputs: inputs.iter().map(ToString::to_string).collect() }
}

/// Returns a convolution.
pub(crate) fn conv(in_channels: usize, out_channels: usize, kernel: usize) -> Op {
    Op::Conv2d { in_channels, out_channels, kernel, stride: 1 }
}

/// Tells whether an activation that jumps has an input next to 0.
pub(crate) fn is_near_a_jump(network: &Network, weights: &Weights, image: &[f32]) -> bool {
    let values = forward_all(network, weights, image).unwrap();
    let inputs = network.input_indices().unwrap();
    network.nodes.iter().zip(inputs).any(|(node, inputs)| {
        let jumps = matches!(node.op, Op::Activation(pair) if pair.jumps_at_zero());
        jumps && values[inputs[0].unwrap()].iter().any(|x| x.abs() < NEAR_ZERO)
    })
}

/// Returns a network with all pairs side by side after one convolution, each before a convolution
/// of its own.
pub(crate) fn all_pairs() -> Network {
    let mut network = small([1, 6, 6], [1, 7, 3], SWISH_RELU);
    network.nodes = vec![node("stem", conv(1, 8, 3), &[INPUT])];
    let mut ends = Vec::new();
    for (index, pair) in PiecewiseActivation::all().enumerate() {
        let [norm, activation, end] =
            ["norm", "activation", "conv"].map(|what| format!("pair{index}.{what}"));
        network.nodes.push(node(&norm, Op::BatchNorm { channels: 8 }, &["stem"]));
        network.nodes.push(node(&activation, Op::Activation(pair), &[&norm]));
        network.nodes.push(node(&end, conv(8, 1, 3), &[&activation]));
        ends.push(end);
    }
    let ends: Vec<&str> = ends.iter().map(String::as_str).collect();
    network.nodes.push(node("all", Op::Concat {}, &ends));
    network.nodes.push(node("pool", Op::GlobalAveragePool {}, &["all"]));
    network.nodes.push(node(
        "classifier",
        Op::Linear { in_features: ends.len(), out_features: 10 },
        &["pool"],
    ));
    network
}
