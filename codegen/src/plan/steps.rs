//! The plan of one inference, as data.

use super::kernel::Kernel;
use super::prologue::Prologue;
use common::network::Shape;
use std::ops::Range;

/// A plan.
#[derive(Debug)]
pub struct Plan {
    /// The calls of kernels, in order.
    pub steps: Vec<Step>,
    /// The place of the logits after the last step.
    pub logits: Operand,
    /// Elements of the arena, the working memory.
    pub arena_len: usize,
    /// The least that any plan of these operations needs.
    pub arena_lower_bound: usize,
    /// The parts of the constants, without gaps other than for alignment.
    pub constants: Vec<Constant>,
    /// Elements of all constants.
    pub constants_len: usize,
}

impl Plan {
    /// Returns the place that is read after the last step: that of the logits.
    pub(crate) fn kept(&self) -> Range<usize> {
        match &self.logits {
            Operand::Image => 0..0,
            Operand::Arena(range) => range.clone(),
        }
    }
}

/// One call of a kernel.
#[derive(Debug)]
pub struct Step {
    /// The network's node that the step is named after: an index.
    pub node: usize,
    /// All nodes that the step computes: indices.
    pub nodes: Vec<usize>,
    /// The shape of the input.
    pub input: Shape,
    /// The shape of the output.
    pub output: Shape,
    /// The place of the input.
    pub source: Operand,
    /// The place of the output in the arena.
    pub target: Range<usize>,
    /// The kernel's scratch memory in the arena.
    pub scratch: Range<usize>,
    /// The normalisation and activation of the input on the way in.
    pub prologue: Prologue<Range<usize>>,
    /// The kernel.
    pub kernel: Kernel,
}

/// The place of a kernel's input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// The image.
    Image,
    /// A part of the arena.
    Arena(Range<usize>),
}

/// A part of the constants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constant {
    /// The node that the constants belong to: an index.
    pub node: usize,
    /// What the constants are.
    pub kind: ConstantKind,
    /// The place among the constants.
    pub range: Range<usize>,
}

/// What a part of the constants is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConstantKind {
    /// The weights of a convolution, tile by tile.
    Convolution {
        /// Filters in a tile.
        tile: usize,
    },
    /// All scales of a batch normalisation, then all shifts.
    Norm,
    /// The weights of a fully connected layer.
    LinearWeights,
    /// The biases of a fully connected layer.
    LinearBias,
}

/// The kind of processor that a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// One core of x86-64, whose instruction set is known when the program runs.
    X86_64,
    /// One core of ARM, of any size.
    Arm,
    /// Many threads: none may write where another one reads, and each block of them has scratch
    /// memory of its own.
    Gpu,
}
