//! Graph surgery: taking filters out of a network for good.
//!
//! A filter's output channel goes with it, and with the channel everything later that belongs to
//! it: its entries in every batch normalisation, its input column in every convolution and in the
//! classifier. Zeroing the filter would not be the same, as batch normalisation and the activation
//! make the channel non-zero again.
//!
//! Where channels are added, the convolutions that make them must keep the same ones; zeros of a
//! shortcut go with them.

use anyhow::{Context, Result, bail, ensure};
use common::counts;
use common::json::Document;
use common::network::{Network, Node, Op, Shape};
use common::weights::{Tensor, Weights, tensors_of};
use std::collections::BTreeMap;

/// A network and its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The graph.
    pub network: Network,
    /// Its tensors.
    pub weights: Weights,
}

/// The filters that stay: by name of the convolution, their indices in ascending order. A
/// convolution that is not named keeps all.
pub type Kept = BTreeMap<String, Vec<usize>>;

/// The network and its weights without the filters that do not stay.
///
/// # Errors
/// `kept` names something that is not a convolution, or an empty or unordered list, or a filter
/// that is not there; a filter whose channel is the network's output is to go.
pub fn remove_filters(model: &Model, kept: &Kept) -> Result<Model> {
    let channels = propagate(&model.network, kept)?;
    let network = shrink_network(&model.network, &channels)?;
    let weights = shrink_weights(model, &channels);
    weights.check(&network).context("the weights do not fit the pruned network")?;
    Ok(Model { network, weights })
}

/// As [`remove_filters`], for the graph alone: enough to count what would be left.
///
/// # Errors
/// As [`remove_filters`].
pub fn remove_filters_of_network(network: &Network, kept: &Kept) -> Result<Network> {
    shrink_network(network, &propagate(network, kept)?)
}

/// The channels of one node that are left, as indices into those that it had.
struct Channels {
    /// Of all its inputs one after the other.
    taken: Vec<usize>,
    /// Of its output.
    made: Vec<usize>,
}

/// A node, or `None` for the image.
type Source = Option<usize>;

/// A network with what follows from it.
struct Graph<'a> {
    network: &'a Network,
    shapes: Vec<Shape>,
    /// What each node takes.
    inputs: Vec<Vec<Source>>,
}

impl Graph<'_> {
    fn channels(&self, source: Source) -> usize {
        source.map_or(self.network.input.channels, |node| self.shapes[node].channels)
    }
}

fn propagate(network: &Network, kept: &Kept) -> Result<Vec<Channels>> {
    check_kept(network, kept)?;
    let graph =
        Graph { network, shapes: counts::shapes(network)?, inputs: network.input_indices()? };
    let image: Vec<usize> = (0..network.input.channels).collect();
    let mut all: Vec<Channels> = Vec::with_capacity(network.nodes.len());
    for (node, sources) in network.nodes.iter().zip(&graph.inputs) {
        if let (Op::Add {}, &[first, second]) = (node.op, &sources[..]) {
            fit_shortcut(&graph, &mut all, first, second);
            fit_shortcut(&graph, &mut all, second, first);
            ensure!(
                made_by(&all, &image, first) == made_by(&all, &image, second),
                "{} adds channels of which other ones stay in {} than in {}",
                node.name,
                node.inputs[0],
                node.inputs[1]
            );
        }
        let (mut taken, mut offset) = (Vec::new(), 0);
        for &source in sources {
            taken.extend(made_by(&all, &image, source).iter().map(|channel| offset + channel));
            offset += graph.channels(source);
        }
        let made = channels_made(node, &taken, offset, kept);
        all.push(Channels { taken, made });
    }
    Ok(all)
}

fn made_by<'a>(all: &'a [Channels], image: &'a [usize], source: Source) -> &'a [usize] {
    source.map_or(image, |node| &all[node].made)
}

/// A shortcut that is taken by nothing but an addition makes only those channels of zeros that stay
/// in what it is added to.
fn fit_shortcut(graph: &Graph, all: &mut [Channels], shortcut: Source, other: Source) {
    let (Some(node), Some(other)) = (shortcut, other) else { return };
    let Op::Shortcut { .. } = graph.network.nodes[node].op else { return };
    if graph.inputs.iter().flatten().filter(|source| **source == shortcut).count() == 1 {
        let zeros_begin = graph.channels(graph.inputs[node][0]);
        let zeros: Vec<usize> =
            all[other].made.iter().copied().filter(|channel| *channel >= zeros_begin).collect();
        all[node].made = all[node].taken.iter().copied().chain(zeros).collect();
    }
}

/// The channels that are left by a node that takes `taken` of `before`.
fn channels_made(node: &Node, taken: &[usize], before: usize, kept: &Kept) -> Vec<usize> {
    match node.op {
        Op::Conv2d { out_channels, .. } => {
            kept.get(&node.name).cloned().unwrap_or_else(|| (0..out_channels).collect())
        }
        Op::Linear { out_features, .. } => (0..out_features).collect(),
        // Both inputs have the same ones.
        Op::Add {} => taken[..taken.len() / 2].to_vec(),
        Op::Shortcut { out_channels, .. } => {
            taken.iter().copied().chain(before..out_channels).collect()
        }
        Op::BatchNorm { .. }
        | Op::Activation(_)
        | Op::Dropout { .. }
        | Op::Concat {}
        | Op::AveragePool { .. }
        | Op::GlobalAveragePool {}
        | Op::GlobalMaxPool {} => taken.to_vec(),
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
            "the filters of {name} that stay are not in ascending order"
        );
        let last = filters[filters.len() - 1];
        ensure!(last < out_channels, "{name} has no filter {last}, only {out_channels}");
    }
    Ok(())
}

fn shrink_network(network: &Network, channels: &[Channels]) -> Result<Network> {
    let nodes = network
        .nodes
        .iter()
        .zip(channels)
        .map(|(node, left)| Node { op: shrink_op(node.op, left), ..node.clone() });
    let pruned = Network { nodes: nodes.collect(), ..network.clone() };
    pruned.check().context("the pruned network is not valid")?;
    Ok(pruned)
}

fn shrink_op(op: Op, left: &Channels) -> Op {
    match op {
        Op::Conv2d { kernel, stride, .. } => Op::Conv2d {
            in_channels: left.taken.len(),
            out_channels: left.made.len(),
            kernel,
            stride,
        },
        Op::BatchNorm { .. } => Op::BatchNorm { channels: left.made.len() },
        Op::Linear { out_features, .. } => {
            Op::Linear { in_features: left.taken.len(), out_features }
        }
        Op::Shortcut { stride, .. } => Op::Shortcut { out_channels: left.made.len(), stride },
        Op::Activation(_)
        | Op::Dropout { .. }
        | Op::Concat {}
        | Op::Add {}
        | Op::AveragePool { .. }
        | Op::GlobalAveragePool {}
        | Op::GlobalMaxPool {} => op,
    }
}

/// Of every tensor, dimension 0 runs over the channels that its node makes and dimension 1, where
/// there is one, over those that it takes.
fn shrink_weights(model: &Model, channels: &[Channels]) -> Weights {
    let mut pruned = BTreeMap::new();
    for (node, left) in model.network.nodes.iter().zip(channels) {
        for (name, shape, _) in tensors_of(node) {
            let mut tensor = select(model.weights.get(&name), 0, &left.made);
            if shape.len() > 1 {
                tensor = select(&tensor, 1, &left.taken);
            }
            pruned.insert(name, tensor);
        }
    }
    Weights(pruned)
}

/// The tensor with only some indices of one dimension.
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
