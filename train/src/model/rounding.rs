//! Which values and weights of a network are rounded in quantisation-aware training: those that its
//! int8 network stores in bytes.

use super::graph::Graph;
use crate::ops::rounding::weights::RoundedWeights;
use anyhow::{Context, Result};
use common::network::weights::Weights;
use common::quantized::plan::IMAGE;
use common::quantized::{Operation, Plan};
use std::collections::{BTreeMap, BTreeSet};

/// The roundings of a network.
pub(super) struct Roundings {
    /// Nodes whose values are results of a convolution, after the pooling behind it if there is
    /// one.
    pub(super) results: BTreeSet<usize>,
    /// Nodes whose values come from a table.
    pub(super) tables: BTreeSet<usize>,
    /// The rounding of the weights of each convolution and of the classifier.
    weights: BTreeMap<usize, RoundedWeights>,
}

impl Roundings {
    /// Finds the roundings of a network.
    ///
    /// # Errors
    /// Fails if the network has nodes that an int8 network cannot compute.
    pub(super) fn new(graph: &Graph) -> Result<Roundings> {
        let plan = Plan::new(&graph.network).context(
            "the profile's training.quantize is true, but this network has no int8 form",
        )?;
        let mut roundings = Roundings {
            results: BTreeSet::new(),
            tables: BTreeSet::new(),
            weights: BTreeMap::new(),
        };
        for (step, value) in plan.steps.iter().zip(&plan.values[1..]) {
            match step.operation {
                Operation::Activate { .. } => roundings.tables.extend(value.node),
                Operation::Convolve { input, node, .. } => {
                    roundings.results.extend(value.node);
                    let units = if input == IMAGE { image_units(graph) } else { Vec::new() };
                    roundings.weights.insert(node, RoundedWeights { units });
                }
                Operation::Classify { node, .. } => {
                    roundings.weights.insert(node, RoundedWeights { units: Vec::new() });
                }
                Operation::Pool { .. } | Operation::Shortcut { .. } => {}
            }
        }
        Ok(roundings)
    }

    /// Returns the rounding of the weights of a node.
    pub(super) fn of_weights(&self, node: usize) -> Option<&RoundedWeights> {
        self.weights.get(&node)
    }

    /// Rounds the weights of all convolutions and of the classifier.
    pub(super) fn round(&self, graph: &Graph, weights: &mut Weights) {
        for (node, rounding) in &self.weights {
            let name = format!("{}.weight", graph.node(*node).name);
            if let Some(tensor) = weights.0.get_mut(&name) {
                let filters = tensor.shape.first().copied().unwrap_or(1);
                rounding.round(tensor.data.len() / filters, &mut tensor.data);
            }
        }
    }
}

/// Returns for each channel of the image what a step of its pixels is after normalisation, in units
/// of the first one; nothing if all are the same.
fn image_units(graph: &Graph) -> Vec<f32> {
    let std = &graph.network.input.std;
    if std.iter().all(|other| *other == std[0]) {
        return Vec::new();
    }
    std.iter().map(|other| std[0] / other).collect()
}
