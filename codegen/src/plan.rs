//! The plan of one inference: which kernel runs on which part of the memory, in which order, with which constants.
//!
//! All offsets and lengths are in f32 elements.

use crate::bound;
use crate::graph::{Graph, Kind, Operation, Prologue, lower};
use crate::memory::{Buffer, assign};
use crate::placement::{Place, Placement};
use anyhow::Result;
use common::activation::PiecewiseActivation;
use common::network::{Network, Shape};
use runtime::conv::{Convolution, MAX_TILE};
use std::ops::Range;

/// A plan.
#[derive(Debug)]
pub struct Plan {
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// Where the logits are in the end.
    pub logits: Source,
    /// Working memory.
    pub arena_len: usize,
    /// What the constants are made of, without gaps other than for alignment.
    pub constants: Vec<Constant>,
    /// All constants.
    pub constants_len: usize,
}

/// One call of a kernel.
#[derive(Debug)]
pub struct Step {
    /// The network's node that names it.
    pub node: usize,
    /// All nodes that it computes.
    pub nodes: Vec<usize>,
    /// What is taken.
    pub input: Shape,
    /// What is made.
    pub output: Shape,
    /// Where it is taken from.
    pub source: Source,
    /// Where in the arena it is written.
    pub target: Range<usize>,
    /// Memory of the arena that the kernel may use meanwhile.
    pub scratch: Range<usize>,
    /// What is done to the input on the way in.
    pub entry: Entry,
    /// The kernel.
    pub kernel: Kernel,
}

/// Where a kernel reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The image.
    Image,
    /// This part of the arena.
    Arena(Range<usize>),
}

/// Normalisation and activation on the way into a kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Scales and shifts among the constants.
    pub norm: Option<Range<usize>>,
    /// The activation.
    pub activation: Option<PiecewiseActivation>,
}

/// The kernels, with their constants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// Convolution.
    Convolution {
        /// Its numbers.
        layer: Convolution,
        /// Filters computed together.
        tile: usize,
        /// Packed weights.
        weights: Range<usize>,
    },
    /// Normalisation and activation alone.
    Map,
    /// Adds its input to what is in its target, then an activation.
    Add {
        /// The activation of the sum.
        activation: Option<PiecewiseActivation>,
    },
    /// The first of every few rows and columns, then channels of zeros.
    Shortcut {
        /// Step in both directions.
        stride: usize,
    },
    /// Average pooling.
    AveragePool {
        /// Side of the squares.
        size: usize,
    },
    /// Average over all positions.
    GlobalAveragePool,
    /// Largest value of all positions.
    GlobalMaxPool,
    /// Fully connected.
    Linear {
        /// Weights, output by output.
        weights: Range<usize>,
        /// Biases.
        bias: Range<usize>,
    },
    /// Copies a value to its place in a concatenation.
    Copy,
}

/// A piece of the constants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constant {
    /// The node that it belongs to.
    pub node: usize,
    /// What it is.
    pub kind: ConstantKind,
    /// Its place.
    pub range: Range<usize>,
}

/// What a piece of the constants is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConstantKind {
    /// A convolution's weights in tiles of this many filters.
    Convolution {
        /// Filters of a tile.
        tile: usize,
    },
    /// All scales, then all shifts of a batch normalisation.
    Norm,
    /// A fully connected layer's weights.
    LinearWeights,
    /// A fully connected layer's biases.
    LinearBias,
}

/// Constants begin at multiples of this many f32: 64 bytes, a cache line.
const CONSTANT_ALIGNMENT: usize = 16;

impl Plan {
    /// Plans a network.
    ///
    /// # Errors
    /// The graph is inconsistent, or needs more memory than is sensible.
    pub fn new(network: &Network) -> Result<Plan> {
        let graph = lower(network)?;
        bound::check(&graph)?;
        let placement = Placement::new(&graph);
        let (buffers, arena_len, scratches) = lay_out(&graph, &placement);
        let mut planner = Planner { graph: &graph, placement: &placement, buffers, constants: Vec::new(), end: 0 };
        let mut steps = Vec::new();
        for (operation, scratch) in graph.operations.iter().zip(scratches) {
            match operation.kind {
                Kind::Concat => steps.extend(planner.copies(operation)),
                Kind::Add { .. } => {
                    steps.extend(planner.copy_of_term(operation));
                    steps.push(planner.step(operation, scratch));
                }
                Kind::Convolution { .. }
                | Kind::Map
                | Kind::Shortcut { .. }
                | Kind::AveragePool { .. }
                | Kind::GlobalAveragePool
                | Kind::GlobalMaxPool
                | Kind::Linear => steps.push(planner.step(operation, scratch)),
            }
        }
        let logits = planner.source(graph.output);
        let constants_len = planner.end.next_multiple_of(CONSTANT_ALIGNMENT);
        Ok(Plan { steps, logits, arena_len, constants: planner.constants, constants_len })
    }
}

/// Offsets of the buffers, the length of the arena, and the scratch memory of each operation.
fn lay_out(graph: &Graph, placement: &Placement) -> (Vec<usize>, usize, Vec<Range<usize>>) {
    let unused = Buffer { len: 0, first: usize::MAX, last: 0 };
    let mut buffers: Vec<Buffer> = placement.buffers.iter().map(|len| Buffer { len: *len, ..unused }).collect();
    let mut touch = |value, step: usize| {
        if let Some(Place { buffer, .. }) = placement.of(value) {
            buffers[buffer].first = buffers[buffer].first.min(step);
            buffers[buffer].last = buffers[buffer].last.max(step);
        }
    };
    for (step, operation) in graph.operations.iter().enumerate() {
        touch(operation.output, step);
        operation.inputs.iter().for_each(|input| touch(*input, step));
    }
    touch(graph.output, graph.operations.len());
    let values = buffers.len();
    let scratches = graph.operations.iter().enumerate();
    buffers.extend(scratches.map(|(step, o)| Buffer { len: scratch_len(graph, o), first: step, last: step }));
    let (mut offsets, arena_len) = assign(&buffers);
    let scratches = offsets.split_off(values).into_iter().zip(&buffers[values..]);
    let scratches = scratches.map(|(at, buffer)| at..at + buffer.len).collect();
    (offsets, arena_len, scratches)
}

fn scratch_len(graph: &Graph, operation: &Operation) -> usize {
    let input = graph.values[operation.inputs[0]];
    match operation.kind {
        Kind::Convolution { filters, kernel, stride } => {
            let (layer, _) = convolution(input, filters, kernel, stride);
            layer.scratch_len()
        }
        Kind::AveragePool { size } => size * input.width,
        Kind::GlobalAveragePool | Kind::GlobalMaxPool => input.plane(),
        Kind::Map | Kind::Add { .. } | Kind::Shortcut { .. } | Kind::Linear | Kind::Concat => 0,
    }
}

/// The convolution's numbers and tile: as few tiles as possible, all of one size.
fn convolution(input: Shape, filters: usize, kernel: usize, stride: usize) -> (Convolution, usize) {
    let Shape { channels, height, width } = input;
    let layer = Convolution { channels, height, width, filters, kernel, stride, chunk: 1 };
    let tile = filters.div_ceil(filters.div_ceil(MAX_TILE));
    let most: usize = option_env!("CHUNK_FLOATS").map_or(6144, |t| t.parse().unwrap());
    let chunk = (most / layer.plane_len()).clamp(1, channels);
    (Convolution { chunk, ..layer }, tile)
}

struct Planner<'a> {
    graph: &'a Graph,
    placement: &'a Placement,
    /// Offset of each buffer.
    buffers: Vec<usize>,
    constants: Vec<Constant>,
    end: usize,
}

impl Planner<'_> {
    fn range(&self, place: Place, len: usize) -> Range<usize> {
        let at = self.buffers[place.buffer] + place.offset;
        at..at + len
    }

    fn source(&self, value: usize) -> Source {
        let len = self.graph.values[value].elements();
        self.placement.of(value).map_or(Source::Image, |place| Source::Arena(self.range(place, len)))
    }

    fn constant(&mut self, node: usize, kind: ConstantKind, len: usize) -> Range<usize> {
        let start = self.end.next_multiple_of(CONSTANT_ALIGNMENT);
        self.end = start + len;
        self.constants.push(Constant { node, kind, range: start..self.end });
        start..self.end
    }

    fn step(&mut self, operation: &Operation, scratch: Range<usize>) -> Step {
        let (input, output) = (self.graph.values[operation.inputs[0]], self.graph.values[operation.output]);
        let entry = self.entry(operation.prologue, input.channels);
        let node = operation.node;
        let kernel = match operation.kind {
            Kind::Convolution { filters, kernel, stride } => {
                let (layer, tile) = convolution(input, filters, kernel, stride);
                let weights = self.constant(node, ConstantKind::Convolution { tile }, layer.weights_len(tile));
                Kernel::Convolution { layer, tile, weights }
            }
            Kind::Map => Kernel::Map,
            Kind::Add { activation } => Kernel::Add { activation },
            Kind::Shortcut { stride } => Kernel::Shortcut { stride },
            Kind::AveragePool { size } => Kernel::AveragePool { size },
            Kind::GlobalAveragePool => Kernel::GlobalAveragePool,
            Kind::GlobalMaxPool => Kernel::GlobalMaxPool,
            Kind::Linear => Kernel::Linear {
                weights: self.constant(node, ConstantKind::LinearWeights, input.channels * output.channels),
                bias: self.constant(node, ConstantKind::LinearBias, output.channels),
            },
            Kind::Concat => Kernel::Copy,
        };
        let source = self.source(operation.inputs[0]);
        let target = self.range(self.place_of_output(operation), output.elements());
        Step { node, nodes: operation.nodes.clone(), input, output, source, target, scratch, entry, kernel }
    }

    fn entry(&mut self, prologue: Prologue, channels: usize) -> Entry {
        let norm = prologue.norm.map(|node| self.constant(node, ConstantKind::Norm, 2 * channels));
        Entry { norm, activation: prologue.activation }
    }

    fn place_of_output(&self, operation: &Operation) -> Place {
        self.placement.of(operation.output).expect("only the image has no place, and no operation makes it")
    }

    fn copies(&self, concatenation: &Operation) -> Vec<Step> {
        let misplaced = self.placement.misplaced(self.graph, concatenation);
        misplaced.into_iter().map(|(value, place)| self.copy(concatenation, value, place)).collect()
    }

    /// Where an addition cannot be done in place, it is done in place of a copy.
    fn copy_of_term(&self, addition: &Operation) -> Option<Step> {
        let (term, place) = (addition.inputs[1], self.place_of_output(addition));
        (self.placement.of(term) != Some(place)).then(|| self.copy(addition, term, place))
    }

    fn copy(&self, operation: &Operation, value: usize, place: Place) -> Step {
        let shape = self.graph.values[value];
        Step {
            node: operation.node,
            nodes: Vec::new(),
            input: shape,
            output: shape,
            source: self.source(value),
            target: self.range(place, shape.elements()),
            scratch: 0..0,
            entry: Entry { norm: None, activation: None },
            kernel: Kernel::Copy,
        }
    }
}
