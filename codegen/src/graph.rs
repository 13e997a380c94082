//! From a network's nodes to calls of kernels.
//!
//! Dropout vanishes. Batch normalisation and activation are computed by the kernel that takes their
//! result, on the way in, unless somebody else takes it too; an addition is computed along with the
//! activation that alone takes it. Average pooling after a 1x1 convolution comes before it: both
//! are linear, so that the result is the same, and the convolution has fewer positions to compute.

use anyhow::Result;
use common::activation::PiecewiseActivation;
use common::counts;
use common::network::{Network, Op, Shape};

/// Index of a value in [`Graph::values`].
pub type ValueId = usize;
/// The value that is the image.
pub const IMAGE: ValueId = 0;

/// A network as calls of kernels.
#[derive(Debug)]
pub struct Graph {
    /// The shapes of all tensors that are kept in memory.
    pub values: Vec<Shape>,
    /// What is computed, in order.
    pub operations: Vec<Operation>,
    /// The logits.
    pub output: ValueId,
}

/// One call of a kernel.
#[derive(Debug)]
pub struct Operation {
    /// The node that gives it its name, and its weights where it has some: an index.
    pub node: usize,
    /// All nodes that it computes, in order: indices.
    pub nodes: Vec<usize>,
    /// Which kernel.
    pub kind: Kind,
    /// What is done to the input on the way in.
    pub prologue: Prologue,
    /// What it takes: one value; for [`Kind::Concat`] any number, for [`Kind::Add`] the one with
    /// the prologue and the one that it is added to.
    pub inputs: Vec<ValueId>,
    /// What it makes.
    pub output: ValueId,
}

/// Normalisation and activation on the way into a kernel, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Prologue {
    /// The batch normalisation node: an index.
    pub norm: Option<usize>,
    /// The activation.
    pub activation: Option<PiecewiseActivation>,
}

/// The kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Convolution.
    Convolution {
        /// Channels of the output.
        filters: usize,
        /// Side of the kernel.
        kernel: usize,
        /// Step in both directions.
        stride: usize,
    },
    /// The prologue alone.
    Map,
    /// Average pooling with squares of this side.
    AveragePool {
        /// The side.
        size: usize,
    },
    /// Average over all positions.
    GlobalAveragePool,
    /// Largest value of all positions.
    GlobalMaxPool,
    /// Fully connected.
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

/// Lowers a network.
///
/// # Errors
/// The graph is inconsistent.
pub fn lower(network: &Network) -> Result<Graph> {
    let mut lowering = Lowering::new(network)?;
    for node in 0..network.nodes.len() {
        if lowering.uses[node] > 0 && !lowering.merged[node] {
            lowering.emit(node);
        }
    }
    let output = lowering.value(lowering.output);
    Ok(Graph { values: lowering.values, operations: lowering.operations, output })
}

/// A node, or `None` for the image.
type Source = Option<usize>;

struct Lowering<'a> {
    network: &'a Network,
    shapes: Vec<Shape>,
    /// What each node takes, dropout left out.
    inputs: Vec<Vec<Source>>,
    output: Source,
    /// By how many inputs each node is taken, where that leads to the output.
    uses: Vec<usize>,
    /// Whether the node is computed by the one that takes it.
    merged: Vec<bool>,
    value_of: Vec<ValueId>,
    values: Vec<Shape>,
    operations: Vec<Operation>,
}

/// What a node computes along with itself.
#[derive(Default)]
struct Merged {
    convolution: Option<usize>,
    addition: Option<usize>,
    activation: Option<usize>,
    norm: Option<usize>,
    source: Source,
    /// What the source is added to.
    other: Source,
}

impl<'a> Lowering<'a> {
    fn new(network: &'a Network) -> Result<Self> {
        let shapes = counts::shapes(network)?;
        let mut inputs = network.input_indices()?;
        for node in 0..inputs.len() {
            for i in 0..inputs[node].len() {
                // Nodes stand behind those that they take, so that what is taken is already free of
                // dropout.
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
            merged: vec![false; count],
            value_of: vec![IMAGE; count],
            values: vec![network.input.shape()],
            operations: Vec::new(),
        };
        lowering.count_uses();
        for node in (0..count).rev() {
            if lowering.uses[node] > 0 && !lowering.merged[node] {
                let Merged { convolution, addition, activation, norm, .. } =
                    lowering.merged_into(node);
                for merged in [convolution, addition, activation, norm].into_iter().flatten() {
                    lowering.merged[merged] = true;
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

    /// The node behind `source` if nobody else takes it and it passes the test.
    fn only_taker(&self, source: Source, test: impl Fn(&Op) -> bool) -> Option<usize> {
        source.filter(|node| self.uses[*node] == 1 && test(&self.network.nodes[*node].op))
    }

    fn merged_into(&self, node: usize) -> Merged {
        let mut merged =
            Merged { source: self.inputs[node].first().copied().flatten(), ..Merged::default() };
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
            merged.addition = self.only_taker(merged.source, |op| matches!(op, Op::Add {}));
        }
        if let Some([first, second]) = self.terms(merged.addition.unwrap_or(node)) {
            let is_norm =
                |source| self.only_taker(source, |op| matches!(op, Op::BatchNorm { .. })).is_some();
            let lives_on = |source: Source| source.is_none_or(|node| self.uses[node] > 1);
            let swap = match [is_norm(first), is_norm(second)] {
                [false, true] => true,
                [true, _] => false,
                // The sum can take the place of a term that is not needed any more.
                [false, false] => lives_on(second) && !lives_on(first),
            };
            (merged.source, merged.other) = if swap { (second, first) } else { (first, second) };
        }
        if let Op::AveragePool { .. } = self.network.nodes[node].op {
            let pointwise = |op: &Op| matches!(op, Op::Conv2d { kernel: 1, stride: 1, .. });
            merged.convolution = self.only_taker(merged.source, pointwise);
            merged.source = merged.convolution.map_or(merged.source, |node| self.inputs[node][0]);
        }
        if takes_activation {
            merged.activation =
                self.only_taker(merged.source, |op| matches!(op, Op::Activation(_)));
            merged.source = merged.activation.map_or(merged.source, |node| self.inputs[node][0]);
        }
        if takes_norm {
            merged.norm = self.only_taker(merged.source, |op| matches!(op, Op::BatchNorm { .. }));
            merged.source = merged.norm.map_or(merged.source, |node| self.inputs[node][0]);
        }
        merged
    }

    /// What an addition adds; `None` for every other node.
    fn terms(&self, node: usize) -> Option<[Source; 2]> {
        let Op::Add {} = self.network.nodes[node].op else { return None };
        self.inputs[node][..].try_into().ok()
    }

    fn value(&self, source: Source) -> ValueId {
        source.map_or(IMAGE, |node| self.value_of[node])
    }

    fn new_value(&mut self, shape: Shape) -> ValueId {
        self.values.push(shape);
        self.values.len() - 1
    }

    fn emit(&mut self, node: usize) {
        let Merged { convolution, addition, activation, norm, source, other } =
            self.merged_into(node);
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
                Kind::Convolution { filters: out_channels, kernel, stride }
            }
            Op::BatchNorm { .. } => {
                prologue.norm = Some(node);
                Kind::Map
            }
            Op::Activation(activation) if addition.is_some() => {
                Kind::Add { activation: Some(activation) }
            }
            Op::Activation(activation) => {
                prologue.activation = Some(activation);
                Kind::Map
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
            Kind::Convolution { .. }
            | Kind::Map
            | Kind::Shortcut { .. }
            | Kind::AveragePool { .. }
            | Kind::GlobalAveragePool
            | Kind::GlobalMaxPool
            | Kind::Linear => vec![self.value(source)],
        };
        let nodes = [norm, activation, addition, Some(node)].into_iter().flatten().collect();
        let shape = match convolution {
            // The pooling comes first, and so has the channels of what it pools.
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

    /// The 1x1 convolution of a value that has been pooled before it.
    fn emit_pooled(&mut self, node: usize, pooled: ValueId, shape: Shape) -> ValueId {
        let output = self.new_value(shape);
        let kind = Kind::Convolution { filters: shape.channels, kernel: 1, stride: 1 };
        let prologue = Prologue::default();
        self.operations.push(Operation {
            node,
            nodes: vec![node],
            kind,
            prologue,
            inputs: vec![pooled],
            output,
        });
        output
    }
}
