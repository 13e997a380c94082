//! The graph of a network with its edges resolved to indices of nodes.

use anyhow::Result;
use common::network::{Network, Node, Op};

/// A network whose nodes are addressed by index.
pub(super) struct Graph {
    pub(super) network: Network,
    /// For each node, the nodes that it reads; `None` stands for the input images.
    pub(super) inputs: Vec<Vec<Option<usize>>>,
}

impl Graph {
    /// Resolves the inputs of every node.
    ///
    /// # Errors
    /// Fails if a node reads a name that no earlier node has.
    pub(super) fn new(network: Network) -> Result<Graph> {
        let inputs = network.input_indices()?;
        Ok(Graph { network, inputs })
    }

    /// Returns the node at `index`.
    pub(super) fn node(&self, index: usize) -> &Node {
        &self.network.nodes[index]
    }

    /// Returns the operation of the node at `index`, or `None` after the last node.
    pub(super) fn op(&self, index: usize) -> Option<Op> {
        self.network.nodes.get(index).map(|node| node.op)
    }

    /// Returns whether `source` is read by exactly the given nodes, in increasing order.
    pub(super) fn is_read_by(&self, source: usize, readers: &[usize]) -> bool {
        let found = (0..self.inputs.len()).filter(|i| self.inputs[*i].contains(&Some(source)));
        found.eq(readers.iter().copied())
    }

    /// Returns the name of the random stream of a dropout node in one step of a training.
    pub(super) fn dropout_stream(&self, index: usize, step: usize) -> String {
        format!("{}/{step}", self.node(index).name)
    }
}
