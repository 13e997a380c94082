//! Which nodes of a network are computed together.

use crate::ops::condense::{Condense, Tail};
use common::activation::PiecewiseActivation;
use common::network::{Network, Op};
use std::sync::Arc;

/// What is computed at a time.
pub(crate) enum Step {
    /// One node.
    Node(usize),
    /// A batch normalisation and the activation that alone reads it.
    NormActivation {
        /// The normalisation.
        norm: usize,
        /// The activation.
        pair: PiecewiseActivation,
    },
    /// A condense layer with what follows it.
    Condense {
        /// Its sizes.
        layer: Arc<Condense>,
        /// For each FEL, and for the tail if it has one, the normalisation and, where there is one,
        /// the convolution.
        nodes: Vec<(usize, Option<usize>)>,
        /// For each FEL its dropout and the probability, or none at all.
        dropouts: Vec<(usize, f64)>,
        /// The node whose value the step makes.
        last: usize,
    },
}

impl Step {
    /// The first node of the step, whose inputs are the step's.
    pub(crate) fn first(&self) -> usize {
        match self {
            Step::Node(index) | Step::NormActivation { norm: index, .. } => *index,
            Step::Condense { nodes, .. } => nodes[0].0,
        }
    }

    /// The node whose value the step makes.
    pub(crate) fn last(&self) -> usize {
        match self {
            Step::Node(index) => *index,
            Step::NormActivation { norm, .. } => norm + 1,
            Step::Condense { last, .. } => *last,
        }
    }
}

/// Cuts a network into steps. What does not look like a condense layer is computed node by node.
pub(crate) fn steps(network: &Network, inputs: &[Vec<Option<usize>>]) -> Vec<Step> {
    let graph = Graph { network, inputs };
    let mut steps = Vec::new();
    let mut index = 0;
    while index < network.nodes.len() {
        let step = graph
            .condense(index)
            .or_else(|| graph.norm_activation(index))
            .unwrap_or(Step::Node(index));
        index = step.last() + 1;
        steps.push(step);
    }
    steps
}

/// Cuts a network into single nodes, but for a batch normalisation with its activation.
pub(crate) fn single_steps(network: &Network, inputs: &[Vec<Option<usize>>]) -> Vec<Step> {
    let graph = Graph { network, inputs };
    let mut steps: Vec<Step> = Vec::new();
    while let index = steps.last().map_or(0, |step| step.last() + 1)
        && index < network.nodes.len()
    {
        steps.push(graph.norm_activation(index).unwrap_or(Step::Node(index)));
    }
    steps
}

struct Graph<'a> {
    network: &'a Network,
    inputs: &'a [Vec<Option<usize>>],
}

/// One FEL as found in the graph.
struct Fel {
    in_channels: usize,
    filters: usize,
    kernel: usize,
    pair: PiecewiseActivation,
    dropout: Option<(usize, f64)>,
    last: usize,
}

impl Graph<'_> {
    fn op(&self, index: usize) -> Option<Op> {
        self.network.nodes.get(index).map(|node| node.op)
    }

    /// Whether `source` is read by exactly the given nodes.
    fn is_read_by(&self, source: usize, readers: &[usize]) -> bool {
        let found = (0..self.inputs.len()).filter(|i| self.inputs[*i].contains(&Some(source)));
        found.eq(readers.iter().copied())
    }

    /// Normalisation and activation at `index`, one reading the other.
    fn pair(&self, index: usize) -> Option<PiecewiseActivation> {
        match (self.op(index)?, self.op(index + 1)?) {
            (Op::BatchNorm { .. }, Op::Activation(pair))
                if self.is_read_by(index, &[index + 1]) =>
            {
                Some(pair)
            }
            _ => None,
        }
    }

    fn norm_activation(&self, index: usize) -> Option<Step> {
        Some(Step::NormActivation { norm: index, pair: self.pair(index)? })
    }

    /// A FEL at `index`: normalisation, activation, convolution, perhaps dropout, and the
    /// concatenation of what it read with what it made.
    fn fel(&self, index: usize) -> Option<Fel> {
        let pair = self.pair(index)?;
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
        let made = dropout.map_or(index + 2, |(node, _)| node);
        let Op::Concat {} = self.op(made + 1)? else { return None };
        let chained = self.is_read_by(index + 1, &[index + 2])
            && self.is_read_by(made, &[made + 1])
            && self.inputs[made + 1] == [self.inputs[index][0], Some(made)];
        chained.then_some(Fel {
            in_channels,
            filters: out_channels,
            kernel,
            pair,
            dropout,
            last: made + 1,
        })
    }

    fn condense(&self, index: usize) -> Option<Step> {
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
        let layer = Arc::new(Condense { in_channels, filters, kernel, pair, tail });
        Some(Step::Condense { layer, nodes, dropouts, last })
    }

    /// What follows the concatenation `concat` and alone reads it: the tail, its convolution, its
    /// last node.
    fn tail(
        &self,
        concat: usize,
        pair: PiecewiseActivation,
    ) -> Option<(Tail, Option<usize>, usize)> {
        let index = concat + 1;
        let alone = self.pair(index)? == pair
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
    use common::network::Node;

    fn network(name: &str) -> Network {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
        common::json::read(&path).unwrap()
    }

    fn tails(network: &Network) -> Vec<(usize, Tail)> {
        let steps = steps(network, &network.input_indices().unwrap());
        let covered = steps.iter().map(|step| step.last() + 1 - step.first()).sum::<usize>();
        assert_eq!(covered, network.nodes.len());
        let condense = |step: &Step| match step {
            Step::Condense { layer, .. } => Some((layer.filters.len(), layer.tail)),
            Step::Node(_) | Step::NormActivation { .. } => None,
        };
        steps.iter().filter_map(condense).collect()
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

    /// A second reader needs the value that fusing would not make.
    #[test]
    fn what_is_read_twice_is_not_hidden() {
        let mut network = network("network-swish-tanh-3x3.json");
        let inner = network.nodes.iter().position(|n| n.op == Op::Concat {}).unwrap();
        let before = tails(&network)[0].0;
        let name = network.nodes[inner].name.clone();
        network.nodes.insert(
            inner + 1,
            Node { name: "spy".into(), op: Op::GlobalAveragePool {}, inputs: vec![name] },
        );
        assert!(before > 1 && tails(&network)[0] == (1, Tail::Concat));
    }
}
