//! Fusion: which nodes of a network are computed together, as one operation.

use super::graph::Graph;
use crate::ops::condense::{CondenseLayer, Tail};
use common::network::Op;
use common::network::activation::{Activation, PiecewiseActivation};
use std::sync::Arc;

/// The activation of a batch normalisation that no activation follows.
pub(super) const IDENTITY: PiecewiseActivation =
    PiecewiseActivation { left: Activation::Linear, right: Activation::Linear };

/// One or several nodes that are computed at a time.
pub(super) enum Operation {
    /// A single node.
    Node(usize),
    /// A batch normalisation and the activation that is its only reader.
    NormActivation {
        /// Index of the batch normalisation.
        norm: usize,
        pair: PiecewiseActivation,
    },
    /// A condense layer with its transition or head.
    Condense(FusedLayer),
}

/// The nodes of a condense layer.
pub(super) struct FusedLayer {
    pub(super) layer: Arc<CondenseLayer>,
    /// For each FEL, and for the tail if it has one: the batch normalisation and, if there is one,
    /// the convolution.
    pub(super) nodes: Vec<(usize, Option<usize>)>,
    /// For each FEL its dropout node and probability; empty for a layer without dropout.
    pub(super) dropouts: Vec<(usize, f64)>,
    /// The node whose value the layer computes.
    last: usize,
}

impl Operation {
    /// Returns the first node, whose inputs are the operation's.
    pub(super) fn first(&self) -> usize {
        match self {
            Operation::Node(index) | Operation::NormActivation { norm: index, .. } => *index,
            Operation::Condense(fused) => fused.nodes[0].0,
        }
    }

    /// Returns the node whose value the operation computes.
    pub(super) fn last(&self) -> usize {
        match self {
            Operation::Node(index) => *index,
            Operation::NormActivation { norm, .. } => norm + 1,
            Operation::Condense(fused) => fused.last,
        }
    }
}

/// Splits a network into operations: condense layers, batch normalisations with their activation,
/// and single nodes for the rest.
pub(super) fn condense_layers(graph: &Graph) -> Vec<Operation> {
    split(graph, |index| graph.condense(index).or_else(|| graph.norm_activation(index)))
}

/// Splits a network into batch normalisations with their activation, and single nodes.
pub(super) fn norm_activations(graph: &Graph) -> Vec<Operation> {
    split(graph, |index| graph.norm_activation(index))
}

/// Splits a network into the operations that `fuse` finds at a node, and single nodes.
fn split(graph: &Graph, fuse: impl Fn(usize) -> Option<Operation>) -> Vec<Operation> {
    let mut operations = Vec::new();
    let mut index = 0;
    while index < graph.network.nodes.len() {
        let operation = fuse(index).unwrap_or(Operation::Node(index));
        index = operation.last() + 1;
        operations.push(operation);
    }
    operations
}

/// A feature extraction layer (FEL) found in the graph.
struct Fel {
    in_channels: usize,
    filters: usize,
    kernel: usize,
    pair: PiecewiseActivation,
    dropout: Option<(usize, f64)>,
    last: usize,
}

impl Graph {
    /// Returns the activation that is the only reader of a batch normalisation at `index`.
    fn activation_after(&self, index: usize) -> Option<PiecewiseActivation> {
        match (self.op(index)?, self.op(index + 1)?) {
            (Op::BatchNorm { .. }, Op::Activation(pair))
                if self.is_read_by(index, &[index + 1]) =>
            {
                Some(pair)
            }
            _ => None,
        }
    }

    fn norm_activation(&self, index: usize) -> Option<Operation> {
        Some(Operation::NormActivation { norm: index, pair: self.activation_after(index)? })
    }

    /// Finds a FEL at `index`: batch normalisation, activation, convolution, optional dropout, and
    /// the concatenation of the FEL's input with its output.
    fn fel(&self, index: usize) -> Option<Fel> {
        let pair = self.activation_after(index)?;
        let Op::Conv2d { in_channels, out_channels, kernel, stride: 1 } = self.op(index + 2)?
        else {
            return None;
        };
        let dropout = match self.op(index + 3)? {
            Op::Dropout { probability } if self.is_read_by(index + 2, &[index + 3]) => {
                Some((index + 3, probability))
            }
            _ => None,
        };
        let output = dropout.map_or(index + 2, |(node, _)| node);
        let Op::Concat {} = self.op(output + 1)? else { return None };
        let chained = self.is_read_by(index + 1, &[index + 2])
            && self.is_read_by(output, &[output + 1])
            && self.inputs[output + 1] == [self.inputs[index][0], Some(output)];
        chained.then_some(Fel {
            in_channels,
            filters: out_channels,
            kernel,
            pair,
            dropout,
            last: output + 1,
        })
    }

    /// Finds a condense layer at `index`: as many FELs in a chain as share their kernel, activation
    /// and use of dropout, and the tail.
    fn condense(&self, index: usize) -> Option<Operation> {
        let first = self.fel(index)?;
        let Fel { in_channels, kernel, pair, .. } = first;
        let mut filters = vec![first.filters];
        let (mut nodes, mut dropouts, mut last) =
            (vec![(index, Some(index + 2))], Vec::from_iter(first.dropout), first.last);
        while let Some(fel) = self.fel(last + 1) {
            let same = (fel.kernel, fel.pair, fel.dropout.is_some())
                == (kernel, pair, first.dropout.is_some());
            if !same
                || self.inputs[last + 1] != [Some(last)]
                || !self.is_read_by(last, &[last + 1, fel.last])
            {
                break;
            }
            filters.push(fel.filters);
            nodes.push((last + 1, Some(last + 3)));
            dropouts.extend(fel.dropout);
            last = fel.last;
        }
        let mut tail = Tail::Concat;
        if let Some((found, convolution, end)) = self.tail(last, pair) {
            nodes.push((last + 1, convolution));
            (tail, last) = (found, end);
        }
        let layer = Arc::new(CondenseLayer { in_channels, filters, kernel, pair, tail });
        Some(Operation::Condense(FusedLayer { layer, nodes, dropouts, last }))
    }

    /// Finds the tail that is the only reader of the concatenation `concat`. Returns the tail, its
    /// convolution and its last node.
    fn tail(
        &self,
        concat: usize,
        pair: PiecewiseActivation,
    ) -> Option<(Tail, Option<usize>, usize)> {
        let index = concat + 1;
        let alone = self.activation_after(index)? == pair
            && self.inputs[index] == [Some(concat)]
            && self.is_read_by(concat, &[index])
            && self.is_read_by(index + 1, &[index + 2]);
        match (self.op(index + 2)?, self.op(index + 3)) {
            (Op::GlobalAveragePool {}, _) if alone => Some((Tail::AverageHead, None, index + 2)),
            (
                Op::Conv2d { out_channels, kernel: 1, stride: 1, .. },
                Some(Op::AveragePool { size }),
            ) if alone && self.is_read_by(index + 2, &[index + 3]) => {
                Some((Tail::Transition { out_channels, pool: size }, Some(index + 2), index + 3))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::network::{Network, Node};

    fn network(name: &str) -> Network {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
        common::files::json::read(&path).unwrap()
    }

    fn tails(network: &Network) -> Vec<(usize, Tail)> {
        let operations = condense_layers(&Graph::new(network.clone()).unwrap());
        let covered = operations.iter().map(|op| op.last() + 1 - op.first()).sum::<usize>();
        assert_eq!(covered, network.nodes.len());
        let condense = |operation: &Operation| match operation {
            Operation::Condense(fused) => Some((fused.layer.filters.len(), fused.layer.tail)),
            Operation::Node(_) | Operation::NormActivation { .. } => None,
        };
        operations.iter().filter_map(condense).collect()
    }

    #[test]
    fn template_networks_are_condense_layers() {
        let found = tails(&network("network-swish-tanh-3x3.json"));
        let (last, transitions) = found.split_last().unwrap();
        assert_eq!(last.1, Tail::AverageHead);
        assert!(
            transitions.iter().all(|(_, tail)| matches!(tail, Tail::Transition { pool: 2, .. })),
            "{found:?}"
        );
        let max = tails(&network("network-sigmoid-sigmoid-max.json"));
        assert_eq!(max.last().unwrap().1, Tail::Concat);
    }

    /// A second reader needs a value that the fused operation would not return.
    #[test]
    fn a_node_with_two_readers_is_not_fused() {
        let mut network = network("network-swish-tanh-3x3.json");
        let inner = network.nodes.iter().position(|n| n.op == Op::Concat {}).unwrap();
        let before = tails(&network)[0].0;
        let name = network.nodes[inner].name.clone();
        network.nodes.insert(
            inner + 1,
            Node { name: "reader".into(), op: Op::GlobalAveragePool {}, inputs: vec![name] },
        );
        assert!(before > 1 && tails(&network)[0] == (1, Tail::Concat));
    }
}
