//! Random graphs.

use super::{SWISH_RELU, small};
use common::network::activation::PiecewiseActivation;
use common::network::{INPUT, Network, Node, Op, Shape, shapes};
use common::seed;
use rand::RngExt;

/// Returns a random graph of all kinds of operations; its activations do not jump.
pub(crate) fn random_network(seed: u64) -> Network {
    let mut rng = seed::stream(seed, "graph");
    let shape = [rng.random_range(1..4), rng.random_range(1..12), rng.random_range(1..20)];
    let mut network = small([shape[0], 12, 12], [1, 7, 3], SWISH_RELU);
    (network.input.height, network.input.width) = (shape[1], shape[2]);
    network.nodes.clear();
    let pairs: Vec<_> = PiecewiseActivation::all().filter(|pair| !pair.jumps_at_zero()).collect();
    let mut values: Vec<(String, Shape)> = vec![(INPUT.to_string(), network.input.shape())];
    for index in 0..rng.random_range(1..25) {
        // Mostly recent values, so that the graph is deep.
        let pick = values.len() - 1 - rng.random_range(0..values.len().min(4));
        let (source, shape) = values[pick].clone();
        let mut inputs = vec![source];
        let op = match rng.random_range(0..11) {
            0 | 1 => Op::Conv2d {
                in_channels: shape.channels,
                out_channels: rng.random_range(1..15),
                kernel: [1, 3, 5][rng.random_range(0..3)],
                stride: [1, 1, 2, 3][rng.random_range(0..4)],
            },
            2 => Op::BatchNorm { channels: shape.channels },
            3 => Op::Activation(pairs[rng.random_range(0..pairs.len())]),
            4 => Op::Dropout { probability: 0.1 },
            5 | 6 => {
                let fits = |(_, other): &&(String, Shape)| {
                    (other.height, other.width) == (shape.height, shape.width)
                };
                let candidates: Vec<&(String, Shape)> = values.iter().filter(fits).collect();
                for _ in 0..rng.random_range(0..4) {
                    inputs.push(candidates[rng.random_range(0..candidates.len())].0.clone());
                }
                Op::Concat {}
            }
            7 | 8 => {
                let candidates: Vec<&(String, Shape)> =
                    values.iter().filter(|(_, other)| *other == shape).collect();
                inputs.push(candidates[rng.random_range(0..candidates.len())].0.clone());
                if rng.random_bool(0.5) {
                    inputs.swap(0, 1);
                }
                Op::Add {}
            }
            9 => Op::Shortcut {
                out_channels: shape.channels + rng.random_range(0..4),
                stride: rng.random_range(1..4),
            },
            _ => {
                Op::AveragePool { size: rng.random_range(1..=shape.height.min(shape.width).min(3)) }
            }
        };
        push(&mut network, &mut values, &format!("n{index}"), op, inputs);
    }
    let last = values.last().unwrap().clone();
    let pool = if rng.random_bool(0.5) { Op::GlobalAveragePool {} } else { Op::GlobalMaxPool {} };
    push(&mut network, &mut values, "pool", pool, vec![last.0]);
    let linear = Op::Linear { in_features: last.1.channels, out_features: 10 };
    push(&mut network, &mut values, "linear", linear, vec!["pool".to_string()]);
    network
}

/// Appends a node and its shape.
pub(crate) fn push(
    network: &mut Network,
    values: &mut Vec<(String, Shape)>,
    name: &str,
    op: Op,
    inputs: Vec<String>,
) {
    network.nodes.push(Node { name: name.to_string(), op, inputs });
    let shape = *shapes::shapes(network).unwrap().last().unwrap();
    values.push((name.to_string(), shape));
}
