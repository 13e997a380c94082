//! From a network and its weights to an ONNX model.
//!
//! Every node becomes the operator of the same meaning; dropout and nodes that do not lead to the
//! output vanish. Tensors are batch x channels x rows x columns. The output of a node `n` is the
//! tensor `n/output`; weights keep their names. The name of a node cannot contain a `/`, so that
//! all these names differ.

use super::proto::{
    AttributeProto, AttributeType, Dimension, FLOAT, GraphProto, INT64, ModelProto, NodeProto,
    OperatorSetIdProto, StringStringEntryProto, TensorProto, TensorShapeProto, TensorTypeProto,
    TypeProto, ValueInfoProto,
};
use anyhow::Result;
use common::network::activation::{Activation, PiecewiseActivation, SELU_ALPHA, SELU_SCALE};
use common::network::weights::{Weights, tensors_of};
use common::network::{BATCH_NORM_EPSILON, INPUT, Network, Node, Op, Shape, shapes};
use common::resize::FILTER;

/// The version of ONNX's operators: one of 2020, which old runtimes on devices support too.
pub const OPSET: i64 = 13;
/// The version of the file format that came with [`OPSET`].
const IR_VERSION: i64 = 7;
/// The name of the tensor of logits.
pub const OUTPUT: &str = "logits";

const ZERO: &str = "zero";
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
    let text = |key: &str, value: String| StringStringEntryProto { key: key.to_string(), value };
    let numbers = |values: &[f32]| values.iter().map(f32::to_string).collect::<Vec<_>>().join(",");
    Ok(ModelProto {
        ir_version: IR_VERSION,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        producer_name: "neuropower".to_string(),
        producer_version: env!("CARGO_PKG_VERSION").to_string(),
        graph: Some(graph),
        metadata_props: vec![
            text("classes", serde_json::to_string(&network.classes)?),
            text("mean", numbers(&network.input.mean)),
            text("std", numbers(&network.input.std)),
            text("resize", network.input.resize.to_string()),
            text("filter", FILTER.to_string()),
        ],
    })
}

struct Builder<'a> {
    network: &'a Network,
    weights: &'a Weights,
    /// The producers of each node's inputs; `None` for the image.
    inputs: Vec<Vec<Option<usize>>>,
    /// The output tensor of each node.
    made: Vec<String>,
    nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
}

impl<'a> Builder<'a> {
    fn new(network: &'a Network, weights: &'a Weights) -> Result<Self> {
        let inputs = network.input_indices()?;
        Ok(Builder {
            network,
            weights,
            inputs,
            made: Vec::new(),
            nodes: Vec::new(),
            initializers: Vec::new(),
        })
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
            self.push("Flatten", OUTPUT, &[&self.tensor(last)], vec![int("axis", 1)]);
        }
        let shape = self.network.input.shape();
        GraphProto {
            node: self.nodes,
            name: name.to_string(),
            initializer: self.initializers,
            input: vec![batch_of(INPUT, &[shape.channels, shape.height, shape.width])],
            output: vec![batch_of(OUTPUT, &[self.network.classes.len()])],
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
                self.push(
                    "Conv",
                    &output,
                    &all,
                    vec![square("kernel_shape", kernel), square("strides", stride), pads],
                );
            }
            // Its inputs have the order of the weights: scale, shift, mean, variance.
            Op::BatchNorm { .. } => {
                self.push(
                    "BatchNormalization",
                    &output,
                    &all,
                    vec![float("epsilon", BATCH_NORM_EPSILON)],
                );
            }
            Op::Activation(pair) => self.activation(&node.name, &output, x, pair),
            Op::Dropout { .. } => return x.to_string(),
            Op::Concat {} => {
                let taken: Vec<&str> = taken.iter().map(String::as_str).collect();
                self.push("Concat", &output, &taken, vec![int("axis", 1)]);
            }
            Op::Add {} => self.push("Add", &output, &[x, &taken[1]], vec![]),
            Op::Shortcut { out_channels, stride } => {
                self.shortcut(&node.name, x, out_channels - channels, stride);
            }
            Op::AveragePool { size } => {
                let square = |name: &str| ints(name, vec![int_of(size); 2]);
                self.push(
                    "AveragePool",
                    &output,
                    &[x],
                    vec![square("kernel_shape"), square("strides")],
                );
            }
            Op::GlobalAveragePool {} => self.push("GlobalAveragePool", &output, &[x], vec![]),
            Op::GlobalMaxPool {} => self.push("GlobalMaxPool", &output, &[x], vec![]),
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
            return self.push("AveragePool", &output, &[x], sides);
        }
        self.push("AveragePool", &taken, &[x], sides);
        // Padding before batch, channels, rows and columns, then after them.
        let raw_data = [0, 0, 0, 0, 0, int_of(new_channels), 0, 0].map(i64::to_le_bytes).concat();
        self.constant(TensorProto {
            dims: vec![8],
            data_type: INT64,
            name: pads.clone(),
            raw_data,
        });
        self.push("Pad", &output, &[&taken, &pads], vec![]);
    }

    /// Adds a fully connected layer. As the last node it outputs the logits, batch x classes;
    /// elsewhere its output has 1x1 positions.
    fn linear(&mut self, node: &Node, all: &[&str], is_last: bool) {
        let name = |what: &str| format!("{}/{what}", node.name);
        let (flat, product) =
            (name("flat"), if is_last { OUTPUT.to_string() } else { name("product") });
        self.push("Flatten", &flat, &[all[0]], vec![int("axis", 1)]);
        self.push("Gemm", &product, &[&flat, all[1], all[2]], vec![int("transB", 1)]);
        if !is_last {
            let positions = [2i64, 3].map(i64::to_le_bytes).concat();
            self.constant(TensorProto {
                dims: vec![2],
                data_type: INT64,
                name: POSITIONS.into(),
                raw_data: positions,
            });
            self.push("Unsqueeze", &name("output"), &[&product, POSITIONS], vec![]);
        }
    }

    /// Adds an activation: `left` for `x < 0`, else `right`; only one function if `left` continues
    /// as `right` does.
    fn activation(&mut self, name: &str, output: &str, x: &str, pair: PiecewiseActivation) {
        let right = pair.right.canonical_right();
        if pair.left.canonical_right() == right {
            return self.function(output, x, pair.left);
        }
        let zero = 0f32.to_le_bytes().to_vec();
        self.constant(TensorProto {
            dims: vec![],
            data_type: FLOAT,
            name: ZERO.into(),
            raw_data: zero,
        });
        let names = ["left", "right", "negative"].map(|what| format!("{name}/{what}"));
        let left = match pair.left {
            Activation::Relu => ZERO,
            Activation::Linear => x,
            Activation::Elu
            | Activation::Sigmoid
            | Activation::Tanh
            | Activation::Swish
            | Activation::Selu => {
                self.function(&names[0], x, pair.left);
                &names[0]
            }
        };
        let right = if right == Activation::Linear {
            x
        } else {
            self.function(&names[1], x, right);
            &names[1]
        };
        self.push("Less", &names[2], &[x, ZERO], vec![]);
        self.push("Where", output, &[&names[2], left, right], vec![]);
    }

    fn function(&mut self, output: &str, x: &str, activation: Activation) {
        match activation {
            Activation::Relu => self.push("Relu", output, &[x], vec![]),
            Activation::Elu => self.push("Elu", output, &[x], vec![float("alpha", 1.0)]),
            Activation::Sigmoid => self.push("Sigmoid", output, &[x], vec![]),
            Activation::Tanh => self.push("Tanh", output, &[x], vec![]),
            Activation::Swish => {
                let sigmoid = format!("{output}/sigmoid");
                self.push("Sigmoid", &sigmoid, &[x], vec![]);
                self.push("Mul", output, &[x, &sigmoid], vec![]);
            }
            Activation::Selu => {
                self.push(
                    "Selu",
                    output,
                    &[x],
                    vec![float("alpha", SELU_ALPHA), float("gamma", SELU_SCALE)],
                );
            }
            Activation::Linear => self.push("Identity", output, &[x], vec![]),
        }
    }

    /// Adds an operation, which is named after its output tensor.
    fn push(
        &mut self,
        operator: &str,
        output: &str,
        inputs: &[&str],
        attribute: Vec<AttributeProto>,
    ) {
        self.nodes.push(NodeProto {
            input: inputs.iter().map(ToString::to_string).collect(),
            output: vec![output.to_string()],
            name: output.to_string(),
            op_type: operator.to_string(),
            attribute,
        });
    }

    fn weight(&mut self, name: &str) {
        let tensor = self.weights.get(name);
        self.initializers.push(TensorProto {
            dims: tensor.shape.iter().map(|side| int_of(*side)).collect(),
            data_type: FLOAT,
            name: name.to_string(),
            raw_data: tensor.data.iter().flat_map(|x| x.to_le_bytes()).collect(),
        });
    }

    /// Adds a constant, unless an earlier node has added it.
    fn constant(&mut self, constant: TensorProto) {
        if self.initializers.iter().all(|other| other.name != constant.name) {
            self.initializers.push(constant);
        }
    }
}

fn batch_of(name: &str, sides: &[usize]) -> ValueInfoProto {
    let batch = Dimension { dim_value: None, dim_param: Some("batch".to_string()) };
    let fixed = |side: &usize| Dimension { dim_value: Some(int_of(*side)), dim_param: None };
    let dim = [batch].into_iter().chain(sides.iter().map(fixed)).collect();
    let tensor_type = TensorTypeProto { elem_type: FLOAT, shape: Some(TensorShapeProto { dim }) };
    ValueInfoProto {
        name: name.to_string(),
        r#type: Some(TypeProto { tensor_type: Some(tensor_type) }),
    }
}

/// Returns a size as i64. Sizes of a network are at most 2^30.
fn int_of(size: usize) -> i64 {
    size as i64
}

fn attribute(name: &str, r#type: AttributeType) -> AttributeProto {
    AttributeProto { name: name.to_string(), r#type: r#type.into(), ..AttributeProto::default() }
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { i: Some(value), ..attribute(name, AttributeType::Int) }
}

fn ints(name: &str, ints: Vec<i64>) -> AttributeProto {
    AttributeProto { ints, ..attribute(name, AttributeType::Ints) }
}

fn float(name: &str, value: f64) -> AttributeProto {
    AttributeProto { f: Some(value as f32), ..attribute(name, AttributeType::Float) }
}
