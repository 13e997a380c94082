//! Lowering: from a network's nodes to calls of kernels.
//!
//! Dropout vanishes. Batch normalisation and activation are fused into the kernel that reads their
//! result, on the way in, unless another node reads it too; an addition is fused with the
//! activation that alone reads the sum. Average pooling after a 1x1 convolution moves before it:
//! both are linear, so that the result is the same, and the convolution has fewer positions to
//! compute.

use super::prologue::Prologue;
use anyhow::Result;
use common::network::activation::PiecewiseActivation;
use common::network::{Network, Op, Shape, shapes};

/// Index of a value in [`Graph::values`].
pub type ValueId = usize;
/// The image's value.
pub const IMAGE: ValueId = 0;

/// A network as operations, each of which is a call of a kernel.
#[derive(Debug)]
pub struct Graph {
    /// The shapes of all tensors that are kept in memory.
    pub values: Vec<Shape>,
    /// The operations, in order.
    pub operations: Vec<Operation>,
    /// The logits.
    pub output: ValueId,
}

/// One call of a kernel.
#[derive(Debug)]
pub struct Operation {
    /// The node that gives the operation its name, and its weights if it has any: an index.
    pub node: usize,
    /// All nodes that the operation computes, in order: indices.
    pub nodes: Vec<usize>,
    /// The kernel.
    pub kind: Kind,
    /// The normalisation and activation of the input on the way in; the normalisation is the
    /// index of its node.
    pub prologue: Prologue<usize>,
    /// The inputs: one value; for [`Kind::Concat`] any number, for [`Kind::Add`] the term with the
    /// prologue and the other term.
    pub inputs: Vec<ValueId>,
    /// The output.
    pub output: ValueId,
}

/// The kind of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Convolution.
    Convolution(ConvParams),
    /// The prologue alone.
    NormActivation,
    /// Average pooling with squares of this side.
    AveragePool {
        /// The side.
        size: usize,
    },
    /// The average over all positions.
    GlobalAveragePool,
    /// The maximum over all positions.
    GlobalMaxPool,
    /// A fully connected layer.
    Linear,
    /// Addition, then an activation.
    Add {
        /// The activation of the sum.
        activation: Option<PiecewiseActivation>,
    },
    /// The first of every few rows and columns, then channels of zeros.
    Shortcut {
        /// Step in both directions.
        stride: usize,
    },
    /// Concatenation; no work where the inputs already lie side by side.
    Concat,
}

/// The parameters of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvParams {
    /// Channels of the output.
    pub filters: usize,
    /// Side of the square kernel.
    pub kernel: usize,
    /// Step in both directions.
    pub stride: usize,
}

/// Lowers a network.
///
/// # Errors
/// Fails if the graph is inconsistent.
pub fn lower(network: &Network) -> Result<Graph> {
    let mut lowering = Lowering::new(network)?;
    for node in 0..network.nodes.len() {
        if lowering.uses[node] > 0 && !lowering.fused[node] {
            lowering.emit(node);
        }
    }
    let output = lowering.value(lowering.output);
    Ok(Graph { values: lowering.values, operations: lowering.operations, output })
}

/// The node that produces a value, or `None` for the image.
type Producer = Option<usize>;

struct Lowering<'a> {
    network: &'a Network,
    shapes: Vec<Shape>,
    /// The producers of each node's inputs, dropout left out.
    inputs: Vec<Vec<Producer>>,
    output: Producer,
    /// The number of inputs that read each node, among nodes that lead to the output.
    uses: Vec<usize>,
    /// Whether the node is computed by the node that reads it.
    fused: Vec<bool>,
    value_of: Vec<ValueId>,
    values: Vec<Shape>,
    operations: Vec<Operation>,
}

/// The nodes that are computed along with a node.
#[derive(Default)]
struct Fusion {
    convolution: Option<usize>,
    addition: Option<usize>,
    activation: Option<usize>,
    norm: Option<usize>,
    source: Producer,
    /// The other term of an addition.
    other: Producer,
}

impl<'a> Lowering<'a> {
    fn new(network: &'a Network) -> Result<Self> {
        let shapes = shapes::shapes(network)?;
        let mut inputs = network.input_indices()?;
        for node in 0..inputs.len() {
            for i in 0..inputs[node].len() {
                // A node comes after its inputs, so that those are free of dropout already.
                if let Some(source) =
                    inputs[node][i].filter(|s| matches!(network.nodes[*s].op, Op::Dropout { .. }))
                {
                    inputs[node][i] = inputs[source][0];
                }
            }
        }
        let count = network.nodes.len();
        let last = count - 1;
        let output = if let Op::Dropout { .. } = network.nodes[last].op {
            inputs[last][0]
        } else {
            Some(last)
        };
        let mut lowering = Lowering {
            network,
            shapes,
            inputs,
            output,
            uses: vec![0; count],
            fused: vec![false; count],
            value_of: vec![IMAGE; count],
            values: vec![network.input.shape()],
            operations: Vec::new(),
        };
        lowering.count_uses();
        for node in (0..count).rev() {
            if lowering.uses[node] > 0 && !lowering.fused[node] {
                let Fusion { convolution, addition, activation, norm, .. } =
                    lowering.fusion_of(node);
                for node in [convolution, addition, activation, norm].into_iter().flatten() {
                    lowering.fused[node] = true;
                }
            }
        }
        Ok(lowering)
    }

    fn count_uses(&mut self) {
        if let Some(output) = self.output {
            self.uses[output] = 1;
        }
        for node in (0..self.uses.len()).rev() {
            if self.uses[node] > 0 {
                self.inputs[node].iter().flatten().for_each(|source| self.uses[*source] += 1);
            }
        }
    }

    /// Returns the producer if only one input reads it and its operation passes the test.
    fn sole_producer(&self, source: Producer, test: impl Fn(&Op) -> bool) -> Option<usize> {
        source.filter(|node| self.uses[*node] == 1 && test(&self.network.nodes[*node].op))
    }

    fn fusion_of(&self, node: usize) -> Fusion {
        let mut fusion =
            Fusion { source: self.inputs[node].first().copied().flatten(), ..Fusion::default() };
        let (takes_activation, takes_norm) = match self.network.nodes[node].op {
            Op::Conv2d { .. }
            | Op::AveragePool { .. }
            | Op::GlobalAveragePool {}
            | Op::GlobalMaxPool {} => (true, true),
            Op::Activation(_) | Op::Add {} => (false, true),
            Op::BatchNorm { .. }
            | Op::Dropout { .. }
            | Op::Concat {}
            | Op::Shortcut { .. }
            | Op::Linear { .. } => (false, false),
        };
        if let Op::Activation(_) = self.network.nodes[node].op {
            fusion.addition = self.sole_producer(fusion.source, |op| matches!(op, Op::Add {}));
        }
        if let Some([first, second]) = self.terms(fusion.addition.unwrap_or(node)) {
            let is_norm = |source| {
                self.sole_producer(source, |op| matches!(op, Op::BatchNorm { .. })).is_some()
            };
            let is_read_later = |source: Producer| source.is_none_or(|node| self.uses[node] > 1);
            let swap = match [is_norm(first), is_norm(second)] {
                [false, true] => true,
                [true, _] => false,
                // The sum can replace a term that is not needed any more.
                [false, false] => is_read_later(second) && !is_read_later(first),
            };
            (fusion.source, fusion.other) = if swap { (second, first) } else { (first, second) };
        }
        if let Op::AveragePool { .. } = self.network.nodes[node].op {
            let pointwise = |op: &Op| matches!(op, Op::Conv2d { kernel: 1, stride: 1, .. });
            fusion.convolution = self.sole_producer(fusion.source, pointwise);
            fusion.source = fusion.convolution.map_or(fusion.source, |node| self.inputs[node][0]);
        }
        if takes_activation {
            fusion.activation =
                self.sole_producer(fusion.source, |op| matches!(op, Op::Activation(_)));
            fusion.source = fusion.activation.map_or(fusion.source, |node| self.inputs[node][0]);
        }
        if takes_norm {
            fusion.norm =
                self.sole_producer(fusion.source, |op| matches!(op, Op::BatchNorm { .. }));
            fusion.source = fusion.norm.map_or(fusion.source, |node| self.inputs[node][0]);
        }
        fusion
    }

    /// Returns the terms of an addition; `None` for every other node.
    fn terms(&self, node: usize) -> Option<[Producer; 2]> {
        let Op::Add {} = self.network.nodes[node].op else { return None };
        self.inputs[node][..].try_into().ok()
    }

    fn value(&self, source: Producer) -> ValueId {
        source.map_or(IMAGE, |node| self.value_of[node])
    }

    fn new_value(&mut self, shape: Shape) -> ValueId {
        self.values.push(shape);
        self.values.len() - 1
    }

    fn emit(&mut self, node: usize) {
        let Fusion { convolution, addition, activation, norm, source, other } =
            self.fusion_of(node);
        let activation_of = |node: usize| {
            if let Op::Activation(activation) = self.network.nodes[node].op {
                Some(activation)
            } else {
                None
            }
        };
        let mut prologue = Prologue { norm, activation: activation.and_then(activation_of) };
        let kind = match self.network.nodes[node].op {
            Op::Conv2d { out_channels, kernel, stride, .. } => {
                Kind::Convolution(ConvParams { filters: out_channels, kernel, stride })
            }
            Op::BatchNorm { .. } => {
                prologue.norm = Some(node);
                Kind::NormActivation
            }
            Op::Activation(activation) if addition.is_some() => {
                Kind::Add { activation: Some(activation) }
            }
            Op::Activation(activation) => {
                prologue.activation = Some(activation);
                Kind::NormActivation
            }
            Op::Add {} => Kind::Add { activation: None },
            Op::Shortcut { stride, .. } => Kind::Shortcut { stride },
            Op::AveragePool { size } => Kind::AveragePool { size },
            Op::GlobalAveragePool {} => Kind::GlobalAveragePool,
            Op::GlobalMaxPool {} => Kind::GlobalMaxPool,
            Op::Linear { .. } => Kind::Linear,
            Op::Concat {} => Kind::Concat,
            Op::Dropout { .. } => return,
        };
        let inputs = match kind {
            Kind::Concat => self.inputs[node].iter().map(|source| self.value(*source)).collect(),
            Kind::Add { .. } => vec![self.value(source), self.value(other)],
            Kind::Convolution(_)
            | Kind::NormActivation
            | Kind::Shortcut { .. }
            | Kind::AveragePool { .. }
            | Kind::GlobalAveragePool
            | Kind::GlobalMaxPool
            | Kind::Linear => vec![self.value(source)],
        };
        let nodes = [norm, activation, addition, Some(node)].into_iter().flatten().collect();
        let shape = match convolution {
            // The pooling comes first, and so has the channels of its input.
            Some(_) => Shape { channels: self.values[inputs[0]].channels, ..self.shapes[node] },
            None => self.shapes[node],
        };
        let mut output = self.new_value(shape);
        self.operations.push(Operation { node, nodes, kind, prologue, inputs, output });
        if let Some(convolution) = convolution {
            output = self.emit_pooled(convolution, output, self.shapes[node]);
        }
        self.value_of[node] = output;
    }

    /// Emits the 1x1 convolution of a value that has been pooled before.
    fn emit_pooled(&mut self, node: usize, pooled: ValueId, shape: Shape) -> ValueId {
        let output = self.new_value(shape);
        let params = ConvParams { filters: shape.channels, kernel: 1, stride: 1 };
        self.operations.push(Operation {
            node,
            nodes: vec![node],
            kind: Kind::Convolution(params),
            prologue: Prologue::NONE,
            inputs: vec![pooled],
            output,
        });
        output
    }
}
