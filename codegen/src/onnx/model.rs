//! From a network and its weights to an ONNX model.
//!
//! Every node becomes the operator of the same meaning; dropout and nodes that do not lead to the
//! output vanish. Tensors are batch x channels x rows x columns. The output of a node `n` is the
//! tensor `n/output`; weights keep their names. The name of a node cannot contain a `/`, so that
//! all these names differ.

use super::graph::{GraphBuilder, batch_of, float, int, int_of, ints};
use super::proto::{FLOAT, GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto};
use anyhow::Result;
use common::network::weights::{Weights, tensors_of};
use common::network::{BATCH_NORM_EPSILON, INPUT, Network, Node, Op, Shape, shapes};
use common::resize::FILTER;

/// The version of ONNX's operators: one of 2020, which old runtimes on devices support too.
pub const OPSET: i64 = 13;
/// The version of the file format that came with [`OPSET`].
const IR_VERSION: i64 = 7;
/// The name of the tensor of logits.
pub const OUTPUT: &str = "logits";

const POSITIONS: &str = "positions";

/// Returns the model. Its input is a batch of normalised images.
///
/// # Errors
/// Fails if the graph is inconsistent.
///
/// # Panics
/// Panics if the weights are not those of the network.
pub fn model(name: &str, network: &Network, weights: &Weights) -> Result<ModelProto> {
    let graph = Builder::new(network, weights)?.graph(name, &shapes::shapes(network)?);
    let numbers = |values: &[f32]| values.iter().map(f32::to_string).collect::<Vec<_>>().join(",");
    let (mean, std) = (numbers(&network.input.mean), numbers(&network.input.std));
    with_metadata(graph, network, &[("mean", mean), ("std", std)])
}

/// Returns the model of a graph with the metadata of its network and `more`.
///
/// # Errors
/// Fails if the classes cannot be written as JSON.
pub(super) fn with_metadata(
    graph: GraphProto,
    network: &Network,
    more: &[(&str, String)],
) -> Result<ModelProto> {
    let first = [("classes", serde_json::to_string(&network.classes)?)];
    let last = [("resize", network.input.resize.to_string()), ("filter", FILTER.to_string())];
    let entries = first.iter().chain(more).chain(&last);
    let entry = |(key, value): &(&str, String)| StringStringEntryProto {
        key: key.to_string(),
        value: value.clone(),
    };
    Ok(ModelProto {
        ir_version: IR_VERSION,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        producer_name: "neuropower".to_string(),
        producer_version: env!("CARGO_PKG_VERSION").to_string(),
        graph: Some(graph),
        metadata_props: entries.map(entry).collect(),
        functions: vec![],
    })
}

struct Builder<'a> {
    network: &'a Network,
    weights: &'a Weights,
    /// The producers of each node's inputs; `None` for the image.
    inputs: Vec<Vec<Option<usize>>>,
    /// The output tensor of each node.
    made: Vec<String>,
    graph: GraphBuilder,
}

impl<'a> Builder<'a> {
    fn new(network: &'a Network, weights: &'a Weights) -> Result<Self> {
        let inputs = network.input_indices()?;
        Ok(Builder { network, weights, inputs, made: Vec::new(), graph: GraphBuilder::default() })
    }

    fn graph(mut self, name: &str, shapes: &[Shape]) -> GraphProto {
        let last = self.behind_dropout(self.network.nodes.len() - 1);
        let needed = self.needed();
        for (index, node) in self.network.nodes.iter().enumerate() {
            let taken: Vec<String> =
                self.inputs[index].iter().map(|source| self.tensor(*source)).collect();
            let channels = self.inputs[index][0]
                .map_or(self.network.input.channels, |source| shapes[source].channels);
            let made = if needed[index] {
                self.node(node, &taken, channels, last == Some(index))
            } else {
                String::new()
            };
            self.made.push(made);
        }
        if !last.is_some_and(|last| matches!(self.network.nodes[last].op, Op::Linear { .. })) {
            self.graph.push("Flatten", OUTPUT, &[&self.tensor(last)], vec![int("axis", 1)]);
        }
        let shape = self.network.input.shape();
        GraphProto {
            node: self.graph.nodes,
            name: name.to_string(),
            initializer: self.graph.initializers,
            input: vec![batch_of(INPUT, FLOAT, &[shape.channels, shape.height, shape.width])],
            output: vec![batch_of(OUTPUT, FLOAT, &[self.network.classes.len()])],
            sparse_initializer: vec![],
        }
    }

    fn tensor(&self, source: Option<usize>) -> String {
        source.map_or_else(|| INPUT.to_string(), |index| self.made[index].clone())
    }

    /// Returns the first producer before `node` that is no dropout; `None` for the image.
    fn behind_dropout(&self, node: usize) -> Option<usize> {
        let is_dropout = |node: &usize| matches!(self.network.nodes[*node].op, Op::Dropout { .. });
        let mut made_by = Some(node);
        while let Some(dropout) = made_by.filter(is_dropout) {
            made_by = self.inputs[dropout][0];
        }
        made_by
    }

    /// Returns, for each node, whether it leads to the output.
    fn needed(&self) -> Vec<bool> {
        let mut needed = vec![false; self.inputs.len()];
        if let Some(last) = needed.last_mut() {
            *last = true;
        }
        for node in (0..needed.len()).rev() {
            if needed[node] {
                self.inputs[node].iter().flatten().for_each(|source| needed[*source] = true);
            }
        }
        needed
    }

    /// Adds the operations of a node, whose first input has so many channels, and returns the name
    /// of its output tensor.
    fn node(&mut self, node: &Node, taken: &[String], channels: usize, is_last: bool) -> String {
        let (output, x) = (format!("{}/output", node.name), taken[0].as_str());
        let weights: Vec<String> = tensors_of(node).into_iter().map(|(name, ..)| name).collect();
        weights.iter().for_each(|name| self.weight(name));
        let mut all: Vec<&str> = vec![x];
        all.extend(weights.iter().map(String::as_str));
        match node.op {
            Op::Conv2d { kernel, stride, .. } => {
                let square = |name: &str, side: usize| ints(name, vec![int_of(side); 2]);
                let pads = ints("pads", vec![int_of(kernel / 2); 4]);
                self.graph.push(
                    "Conv",
                    &output,
                    &all,
                    vec![square("kernel_shape", kernel), square("strides", stride), pads],
                );
            }
            // Its inputs have the order of the weights: scale, shift, mean, variance.
            Op::BatchNorm { .. } => {
                self.graph.push(
                    "BatchNormalization",
                    &output,
                    &all,
                    vec![float("epsilon", BATCH_NORM_EPSILON)],
                );
            }
            Op::Activation(pair) => self.graph.activation(&node.name, &output, x, pair),
            Op::Dropout { .. } => return x.to_string(),
            Op::Concat {} => {
                let taken: Vec<&str> = taken.iter().map(String::as_str).collect();
                self.graph.push("Concat", &output, &taken, vec![int("axis", 1)]);
            }
            Op::Add {} => self.graph.push("Add", &output, &[x, &taken[1]], vec![]),
            Op::Shortcut { out_channels, stride } => {
                self.shortcut(&node.name, x, out_channels - channels, stride);
            }
            Op::AveragePool { size } => {
                let square = |name: &str| ints(name, vec![int_of(size); 2]);
                self.graph.push(
                    "AveragePool",
                    &output,
                    &[x],
                    vec![square("kernel_shape"), square("strides")],
                );
            }
            Op::GlobalAveragePool {} => self.graph.push("GlobalAveragePool", &output, &[x], vec![]),
            Op::GlobalMaxPool {} => self.graph.push("GlobalMaxPool", &output, &[x], vec![]),
            Op::Linear { .. } => self.linear(node, &all, is_last),
        }
        output
    }

    /// Adds a shortcut: pooling with squares of one position takes the first of each `stride` rows
    /// and columns, and padding adds channels of zeros.
    fn shortcut(&mut self, name: &str, x: &str, new_channels: usize, stride: usize) {
        let [taken, pads, output] =
            ["taken", "pads", "output"].map(|what| format!("{name}/{what}"));
        let sides =
            vec![ints("kernel_shape", vec![1; 2]), ints("strides", vec![int_of(stride); 2])];
        if new_channels == 0 {
            return self.graph.push("AveragePool", &output, &[x], sides);
        }
        self.graph.push("AveragePool", &taken, &[x], sides);
        // Padding before batch, channels, rows and columns, then after them.
        self.graph.integers(&pads, &[0, 0, 0, 0, 0, int_of(new_channels), 0, 0]);
        self.graph.push("Pad", &output, &[&taken, &pads], vec![]);
    }

    /// Adds a fully connected layer. As the last node it outputs the logits, batch x classes;
    /// elsewhere its output has 1x1 positions.
    fn linear(&mut self, node: &Node, all: &[&str], is_last: bool) {
        let name = |what: &str| format!("{}/{what}", node.name);
        let (flat, product) =
            (name("flat"), if is_last { OUTPUT.to_string() } else { name("product") });
        self.graph.push("Flatten", &flat, &[all[0]], vec![int("axis", 1)]);
        self.graph.push("Gemm", &product, &[&flat, all[1], all[2]], vec![int("transB", 1)]);
        if !is_last {
            self.graph.integers(POSITIONS, &[2, 3]);
            self.graph.push("Unsqueeze", &name("output"), &[&product, POSITIONS], vec![]);
        }
    }

    fn weight(&mut self, name: &str) {
        let tensor = self.weights.get(name);
        self.graph.floats(name, &tensor.shape, &tensor.data);
    }
}
