//! Graph surgery: the removal of filters from a network.
//!
//! With a filter, its output channel is removed, and everything later that belongs to the channel:
//! its entries in every batch normalisation, and its input column in every convolution and in the
//! classifier. Setting the filter to zero would not be the same, since batch normalisation and the
//! activation make the channel non-zero again.
//!
//! If channels are added, the convolutions that they come from must keep the same ones; the zero
//! channels of a shortcut follow them.

use crate::model::Model;
use anyhow::{Context, Result, bail, ensure};
use common::files::json::Document;
use common::network::weights::{Tensor, Weights, tensors_of};
use common::network::{Network, Node, Op, Shape, shapes};
use std::collections::BTreeMap;

/// The filters to keep: by name of the convolution, their indices in ascending order. A convolution
/// that is not named keeps all.
pub type Kept = BTreeMap<String, Vec<usize>>;

/// Returns the model with only the filters that are kept.
///
/// # Errors
/// Fails if `kept` names a node that is not a convolution, or has an empty or unordered list or a
/// filter that does not exist; if convolutions whose outputs are added keep different channels; or
/// if a channel of the network's output would be removed.
pub fn remove_filters(model: &Model, kept: &Kept) -> Result<Model> {
    let channels = propagate(&model.network, kept)?;
    let network = shrink_network(&model.network, &channels)?;
    let weights = shrink_weights(model, &channels);
    weights.check(&network).context("the weights do not fit the pruned network")?;
    Ok(Model { network, weights })
}

/// Returns the graph with only the filters that are kept, for counting what would be left.
///
/// # Errors
/// Fails as [`remove_filters`] does.
pub fn remove_filters_from_graph(network: &Network, kept: &Kept) -> Result<Network> {
    shrink_network(network, &propagate(network, kept)?)
}

/// The channels that one node keeps, as indices into those that it had.
struct KeptChannels {
    /// Channels of all its inputs, one input after the other.
    input: Vec<usize>,
    /// Channels of its output.
    output: Vec<usize>,
}

/// The input of a node: another node, or `None` for the image.
type NodeInput = Option<usize>;

/// A network with its shapes and edges.
struct Graph<'a> {
    network: &'a Network,
    shapes: Vec<Shape>,
    /// The inputs of each node.
    inputs: Vec<Vec<NodeInput>>,
}

impl Graph<'_> {
    fn channels(&self, input: NodeInput) -> usize {
        input.map_or(self.network.input.channels, |node| self.shapes[node].channels)
    }
}

/// Returns the channels that each node keeps.
fn propagate(network: &Network, kept: &Kept) -> Result<Vec<KeptChannels>> {
    check_kept(network, kept)?;
    let graph =
        Graph { network, shapes: shapes::shapes(network)?, inputs: network.input_indices()? };
    let image: Vec<usize> = (0..network.input.channels).collect();
    let mut all: Vec<KeptChannels> = Vec::with_capacity(network.nodes.len());
    for (node, inputs) in network.nodes.iter().zip(&graph.inputs) {
        if let (Op::Add {}, &[first, second]) = (node.op, &inputs[..]) {
            fit_shortcut(&graph, &mut all, first, second);
            fit_shortcut(&graph, &mut all, second, first);
            ensure!(
                output_of(&all, &image, first) == output_of(&all, &image, second),
                "{} adds {} and {}, which would keep different channels",
                node.name,
                node.inputs[0],
                node.inputs[1]
            );
        }
        let (mut kept_inputs, mut offset) = (Vec::new(), 0);
        for &input in inputs {
            let channels = output_of(&all, &image, input);
            kept_inputs.extend(channels.iter().map(|channel| offset + channel));
            offset += graph.channels(input);
        }
        let output = kept_outputs(node, &kept_inputs, offset, kept);
        all.push(KeptChannels { input: kept_inputs, output });
    }
    Ok(all)
}

fn output_of<'a>(all: &'a [KeptChannels], image: &'a [usize], input: NodeInput) -> &'a [usize] {
    input.map_or(image, |node| &all[node].output)
}

/// Fits the zero channels of a shortcut to the other operand of an addition. This is possible if
/// nothing else reads the shortcut.
fn fit_shortcut(graph: &Graph, all: &mut [KeptChannels], shortcut: NodeInput, other: NodeInput) {
    let (Some(node), Some(other)) = (shortcut, other) else { return };
    let Op::Shortcut { .. } = graph.network.nodes[node].op else { return };
    if graph.inputs.iter().flatten().filter(|input| **input == shortcut).count() == 1 {
        let zeros_begin = graph.channels(graph.inputs[node][0]);
        let zeros = all[other].output.iter().copied().filter(|channel| *channel >= zeros_begin);
        all[node].output = all[node].input.iter().copied().chain(zeros).collect();
    }
}

/// Returns the output channels that a node keeps, if it keeps `inputs` of its `before` input
/// channels.
fn kept_outputs(node: &Node, inputs: &[usize], before: usize, kept: &Kept) -> Vec<usize> {
    match node.op {
        Op::Conv2d { out_channels, .. } => {
            kept.get(&node.name).cloned().unwrap_or_else(|| (0..out_channels).collect())
        }
        Op::Linear { out_features, .. } => (0..out_features).collect(),
        // Both operands keep the same channels.
        Op::Add {} => inputs[..inputs.len() / 2].to_vec(),
        Op::Shortcut { out_channels, .. } => {
            inputs.iter().copied().chain(before..out_channels).collect()
        }
        Op::BatchNorm { .. }
        | Op::Activation(_)
        | Op::Dropout { .. }
        | Op::Concat {}
        | Op::AveragePool { .. }
        | Op::GlobalAveragePool {}
        | Op::GlobalMaxPool {} => inputs.to_vec(),
    }
}

fn check_kept(network: &Network, kept: &Kept) -> Result<()> {
    for (name, filters) in kept {
        let Some(node) = network.nodes.iter().find(|node| node.name == *name) else {
            bail!("there is no node {name}")
        };
        let Op::Conv2d { out_channels, .. } = node.op else {
            bail!("the node {name} is not a convolution")
        };
        ensure!(!filters.is_empty(), "no filter of {name} would be left");
        ensure!(
            filters.is_sorted_by(|a, b| a < b),
            "the filters of {name} to keep are not in ascending order"
        );
        let last = filters[filters.len() - 1];
        ensure!(last < out_channels, "{name} has no filter {last}, only {out_channels}");
    }
    Ok(())
}

fn shrink_network(network: &Network, channels: &[KeptChannels]) -> Result<Network> {
    let nodes = network
        .nodes
        .iter()
        .zip(channels)
        .map(|(node, left)| Node { op: shrink_op(node.op, left), ..node.clone() });
    let pruned = Network { nodes: nodes.collect(), ..network.clone() };
    pruned.check().context("the pruned network is not valid")?;
    Ok(pruned)
}

fn shrink_op(op: Op, left: &KeptChannels) -> Op {
    match op {
        Op::Conv2d { kernel, stride, .. } => Op::Conv2d {
            in_channels: left.input.len(),
            out_channels: left.output.len(),
            kernel,
            stride,
        },
        Op::BatchNorm { .. } => Op::BatchNorm { channels: left.output.len() },
        Op::Linear { out_features, .. } => {
            Op::Linear { in_features: left.input.len(), out_features }
        }
        Op::Shortcut { stride, .. } => Op::Shortcut { out_channels: left.output.len(), stride },
        Op::Activation(_)
        | Op::Dropout { .. }
        | Op::Concat {}
        | Op::Add {}
        | Op::AveragePool { .. }
        | Op::GlobalAveragePool {}
        | Op::GlobalMaxPool {} => op,
    }
}

/// Returns the weights of the kept channels. Dimension 0 of every tensor is that of the node's
/// output channels, and dimension 1, if there is one, that of its input channels.
fn shrink_weights(model: &Model, channels: &[KeptChannels]) -> Weights {
    let mut pruned = BTreeMap::new();
    for (node, left) in model.network.nodes.iter().zip(channels) {
        for (name, shape, _) in tensors_of(node) {
            let mut tensor = select(model.weights.get(&name), 0, &left.output);
            if shape.len() > 1 {
                tensor = select(&tensor, 1, &left.input);
            }
            pruned.insert(name, tensor);
        }
    }
    Weights(pruned)
}

/// Returns the tensor with only some indices of one dimension.
fn select(tensor: &Tensor, dimension: usize, indices: &[usize]) -> Tensor {
    let inner: usize = tensor.shape[dimension + 1..].iter().product();
    let mut shape = tensor.shape.clone();
    shape[dimension] = indices.len();
    let data = tensor
        .data
        .chunks(tensor.shape[dimension] * inner)
        .flat_map(|slab| indices.iter().flat_map(move |index| &slab[index * inner..][..inner]))
        .copied()
        .collect();
    Tensor { shape, data }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn select_picks_along_a_dimension() {
        let tensor = Tensor { shape: vec![2, 3, 2], data: (0..12u8).map(f32::from).collect() };
        let rows = select(&tensor, 0, &[1]);
        assert_eq!((rows.shape, rows.data), (vec![1, 3, 2], vec![6.0, 7.0, 8.0, 9.0, 10.0, 11.0]));
        let columns = select(&tensor, 1, &[0, 2]);
        assert_eq!(
            (columns.shape, columns.data),
            (vec![2, 2, 2], vec![0.0, 1.0, 4.0, 5.0, 6.0, 7.0, 10.0, 11.0])
        );
    }
}
