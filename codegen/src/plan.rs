//! The plan of one inference: which kernel runs on which part of the memory, in which order, with
//! which constants.
//!
//! All offsets and lengths are in f32 elements.

mod kernel;

pub use kernel::Kernel;

use crate::bound;
use crate::graph::{Graph, Kind, Operation, Prologue, lower};
use crate::memory::{Buffer, assign, live};
use crate::placement::{Place, Placement};
use crate::tiling;
use anyhow::Result;
use common::activation::PiecewiseActivation;
use common::network::{Network, Shape};
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

/// What a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// One core that does one thing after the other.
    Processor,
    /// Many threads: none may write where another one reads, and each block of them has scratch
    /// memory of its own.
    Gpu,
}

impl Plan {
    /// Plans a network for a processor.
    ///
    /// # Errors
    /// The graph is inconsistent, or needs more memory than is sensible.
    pub fn new(network: &Network) -> Result<Plan> {
        Plan::on(network, Machine::Processor)
    }

    /// Plans a network.
    ///
    /// # Errors
    /// The graph is inconsistent, or needs more memory than is sensible.
    pub fn on(network: &Network, machine: Machine) -> Result<Plan> {
        let graph = lower(network)?;
        bound::check(&graph)?;
        let placement = Placement::new(&graph);
        let layout = match machine {
            Machine::Processor => lay_out(&graph, &placement),
            Machine::Gpu => lay_out_apart(&graph, &placement),
        };
        let arena_len = layout.arena_len;
        let (placement, constants) = (&placement, Vec::new());
        let mut planner = Planner { machine, graph: &graph, placement, layout, constants, end: 0 };
        let mut steps = Vec::new();
        for (index, operation) in graph.operations.iter().enumerate() {
            match operation.kind {
                Kind::Concat => steps.extend(planner.copies(operation)),
                Kind::Add { .. } => {
                    steps.extend(planner.copy_of_term(operation));
                    steps.push(planner.step(index, operation));
                }
                Kind::Convolution { .. }
                | Kind::Map
                | Kind::Shortcut { .. }
                | Kind::AveragePool { .. }
                | Kind::GlobalAveragePool
                | Kind::GlobalMaxPool
                | Kind::Linear => steps.push(planner.step(index, operation)),
            }
        }
        let logits = planner.source(graph.output);
        let constants_len = planner.end.next_multiple_of(CONSTANT_ALIGNMENT);
        Ok(Plan { steps, logits, arena_len, constants: planner.constants, constants_len })
    }
}

/// Where everything lies in the arena.
struct Layout {
    /// Offset of each buffer.
    buffers: Vec<usize>,
    /// Scratch memory of each operation.
    scratches: Vec<Range<usize>>,
    /// How much scratch memory each operation might have had.
    allowances: Vec<usize>,
    arena_len: usize,
}

fn lay_out(graph: &Graph, placement: &Placement) -> Layout {
    let mut buffers = lifetimes(graph, placement);
    let steps = graph.operations.len();
    // With what is pooled beside its source: where that is the most, the arena may have it for
    // scratch memory instead.
    let bound = live(&buffers, steps).into_iter().max().unwrap_or(0);
    for (step, operation) in graph.operations.iter().enumerate() {
        if let Some(under) = replaceable(placement, &buffers, step, operation) {
            let Place { buffer, .. } =
                placement.of(operation.output).expect("an operation's output has a place");
            buffers[buffer].over = Some(under);
        }
    }
    let live = live(&buffers, steps);
    let most = live.iter().copied().max().unwrap_or(0);
    // More scratch memory makes convolutions faster, up to a point.
    let arena = (bound + bound / 11).min(most + most / 5);
    let allowances: Vec<usize> = live.iter().map(|live| arena.saturating_sub(*live)).collect();
    let values = buffers.len();
    for (step, (operation, allowance)) in graph.operations.iter().zip(&allowances).enumerate() {
        let len = scratch_len(graph, operation, *allowance);
        buffers.push(Buffer { len, first: step, last: step, over: None });
    }
    let (mut offsets, arena_len) = assign(&buffers);
    let scratches = offsets.split_off(values).into_iter().zip(&buffers[values..]);
    let scratches = scratches.map(|(at, buffer)| at..at + buffer.len).collect();
    Layout { buffers: offsets, scratches, allowances, arena_len }
}

/// No kernel has scratch memory, and none writes over what it reads but element by element.
fn lay_out_apart(graph: &Graph, placement: &Placement) -> Layout {
    let (buffers, arena_len) = assign(&lifetimes(graph, placement));
    let steps = graph.operations.len();
    Layout { buffers, scratches: vec![0..0; steps], allowances: vec![0; steps], arena_len }
}

/// The buffers of the values, each from the first step that touches it to the last.
fn lifetimes(graph: &Graph, placement: &Placement) -> Vec<Buffer> {
    let unused = Buffer { len: 0, first: usize::MAX, last: 0, over: None };
    let mut buffers: Vec<Buffer> =
        placement.buffers.iter().map(|len| Buffer { len: *len, ..unused }).collect();
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
    buffers
}

/// The buffer over whose beginning the result of an operation may be written: average pooling reads
/// ahead of where it writes, if its input begins there and its output too, and nobody needs the one
/// later or the other earlier. What lies over another buffer itself has none over it.
fn replaceable(
    placement: &Placement,
    buffers: &[Buffer],
    step: usize,
    operation: &Operation,
) -> Option<usize> {
    let Kind::AveragePool { .. } = operation.kind else { return None };
    let (source, target) = (placement.of(operation.inputs[0])?, placement.of(operation.output)?);
    let free = source.buffer != target.buffer
        && (source.offset, target.offset) == (0, 0)
        && buffers[source.buffer].last == step
        && buffers[source.buffer].over.is_none()
        && buffers[target.buffer].first == step
        && buffers[target.buffer].len <= buffers[source.buffer].len;
    free.then_some(source.buffer)
}

fn scratch_len(graph: &Graph, operation: &Operation, allowance: usize) -> usize {
    let input = graph.values[operation.inputs[0]];
    match operation.kind {
        Kind::Convolution { filters, kernel, stride } => {
            tiling::for_processor(input, [filters, kernel, stride], allowance).0.scratch_len()
        }
        Kind::AveragePool { size } => size * input.width,
        Kind::GlobalAveragePool | Kind::GlobalMaxPool => input.plane(),
        Kind::Map | Kind::Add { .. } | Kind::Shortcut { .. } | Kind::Linear | Kind::Concat => 0,
    }
}

struct Planner<'a> {
    machine: Machine,
    graph: &'a Graph,
    placement: &'a Placement,
    layout: Layout,
    constants: Vec<Constant>,
    end: usize,
}

impl Planner<'_> {
    fn range(&self, place: Place, len: usize) -> Range<usize> {
        let at = self.layout.buffers[place.buffer] + place.offset;
        at..at + len
    }

    fn source(&self, value: usize) -> Source {
        let len = self.graph.values[value].elements();
        self.placement
            .of(value)
            .map_or(Source::Image, |place| Source::Arena(self.range(place, len)))
    }

    fn constant(&mut self, node: usize, kind: ConstantKind, len: usize) -> Range<usize> {
        let start = self.end.next_multiple_of(CONSTANT_ALIGNMENT);
        self.end = start + len;
        self.constants.push(Constant { node, kind, range: start..self.end });
        start..self.end
    }

    fn step(&mut self, index: usize, operation: &Operation) -> Step {
        let (input, output) =
            (self.graph.values[operation.inputs[0]], self.graph.values[operation.output]);
        let source = self.source(operation.inputs[0]);
        let target = self.range(self.place_of_output(operation), output.elements());
        let entry = self.entry(operation.prologue, input.channels);
        let node = operation.node;
        let kernel = match operation.kind {
            Kind::Convolution { filters, kernel, stride } => {
                let allowance = self.layout.allowances[index];
                let (layer, tile) = match self.machine {
                    Machine::Processor => {
                        tiling::for_processor(input, [filters, kernel, stride], allowance)
                    }
                    Machine::Gpu => tiling::for_gpu(input, [filters, kernel, stride]),
                };
                let weights = self.constant(
                    node,
                    ConstantKind::Convolution { tile },
                    layer.weights_len(tile),
                );
                Kernel::Convolution { layer, tile, weights }
            }
            Kind::Map => Kernel::Map,
            Kind::Add { activation } => Kernel::Add { activation },
            Kind::Shortcut { stride } => Kernel::Shortcut { stride },
            Kind::AveragePool { size } => {
                let in_place =
                    matches!(&source, Source::Arena(range) if range.start == target.start);
                Kernel::AveragePool { size, in_place }
            }
            Kind::GlobalAveragePool => Kernel::GlobalAveragePool,
            Kind::GlobalMaxPool => Kernel::GlobalMaxPool,
            Kind::Linear => Kernel::Linear {
                weights: self.constant(
                    node,
                    ConstantKind::LinearWeights,
                    input.channels * output.channels,
                ),
                bias: self.constant(node, ConstantKind::LinearBias, output.channels),
            },
            Kind::Concat => Kernel::Copy,
        };
        let scratch = self.layout.scratches[index].clone();
        Step {
            node,
            nodes: operation.nodes.clone(),
            input,
            output,
            source,
            target,
            scratch,
            entry,
            kernel,
        }
    }

    fn entry(&mut self, prologue: Prologue, channels: usize) -> Entry {
        let norm = prologue.norm.map(|node| self.constant(node, ConstantKind::Norm, 2 * channels));
        Entry { norm, activation: prologue.activation }
    }

    fn place_of_output(&self, operation: &Operation) -> Place {
        self.placement
            .of(operation.output)
            .expect("only the image has no place, and no operation makes it")
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
