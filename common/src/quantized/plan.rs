//! The plan of a network in integers: steps that are derived from the graph alone, so that every
//! stage derives the same ones.
//!
//! - **Activate**: batch normalisation and activation, by one multiplication per channel (two for a
//!   sum) and a table.
//! - **Convolve**: sums of products of unsigned bytes and signed weights. A pooling after a 1x1
//!   convolution is done before it, where it costs less; both are linear.
//! - **Pool**, **Shortcut**: of bytes, which keep their meaning.
//! - **Classify**: global pooling and the classifier.
//!
//! Dropout and concatenation need no step, and a batch normalisation is part of the step that reads
//! it. A value that a convolution or classifier reads must be made by a table, or be the image;
//! where the graph has no activation, the plan has one that computes the identity.

use crate::network::Shape;
use crate::network::activation::PiecewiseActivation;

/// The steps of a network, and the values that they make.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Values: the image first, then the value of each step.
    pub values: Vec<Value>,
    /// Steps in order; the last one is the classifier.
    pub steps: Vec<Step>,
}

/// The index of the image among the values of a plan.
pub const IMAGE: usize = 0;

/// A tensor of signed bytes: channels, rows, columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// Shape of the value.
    pub shape: Shape,
    /// Node whose value this is; `None` for the image.
    pub node: Option<usize>,
    /// Whether all channels have one scale and one zero point, so that a convolution can read it.
    pub uniform: bool,
}

/// A step; it makes the value whose index is its own plus 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Unique name, the prefix of its tensors: that of the node for the most part.
    pub name: String,
    /// What is computed.
    pub operation: Operation,
}

/// What a step computes.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// `table[index]`, where the index is linear in one operand or in two that are added.
    Activate {
        /// Function of the table.
        pair: PiecewiseActivation,
        /// One operand, or two of the same shape.
        operands: Vec<Operand>,
        /// Batch normalisations after the addition, in order: indices of nodes.
        norms: Vec<usize>,
        /// Node whose value is the function's argument; `None` for the image.
        argument: Option<usize>,
    },
    /// A convolution with "same" padding.
    Convolve {
        /// Value that is read: the image, or a uniform one.
        input: usize,
        /// Node of the convolution.
        node: usize,
        /// Filters.
        filters: usize,
        /// Side of the kernel.
        kernel: usize,
        /// Stride.
        stride: usize,
        /// Side of the squares that are averaged before the convolution; 1 for none.
        pool: usize,
    },
    /// An average over squares.
    Pool {
        /// Value that is read.
        input: usize,
        /// Side of the squares.
        size: usize,
    },
    /// The first of every `stride` rows and columns, followed by channels of zeros.
    Shortcut {
        /// Value that is read.
        input: usize,
        /// Stride.
        stride: usize,
    },
    /// The classifier.
    Classify {
        /// Uniform value that is read.
        input: usize,
        /// Node of the classifier.
        node: usize,
        /// Pooling over all positions before it.
        pool: GlobalPool,
    },
}

/// Values whose channels are concatenated, and the batch normalisations of the whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    /// Indices of the values.
    pub parts: Vec<usize>,
    /// Batch normalisations in order: indices of nodes.
    pub norms: Vec<usize>,
}

/// The pooling before the classifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GlobalPool {
    /// Average over all positions.
    Average,
    /// Largest value.
    Max,
}

impl Plan {
    /// Returns the value that a step makes.
    pub fn made_by(&self, step: usize) -> Value {
        self.values[step + 1]
    }

    /// Returns the channels of an operand: for each, its value and the channel there.
    pub fn channels<'a>(
        &'a self,
        operand: &'a Operand,
    ) -> impl Iterator<Item = (usize, usize)> + 'a {
        let parts = operand.parts.iter();
        parts.flat_map(|&value| (0..self.values[value].shape.channels).map(move |c| (value, c)))
    }

    /// Returns the step whose table makes the bytes of a uniform value, through poolings and
    /// shortcuts; `None` for the image.
    pub fn table_of(&self, value: usize) -> Option<usize> {
        let step = value.checked_sub(1)?;
        match self.steps[step].operation {
            Operation::Pool { input, .. } | Operation::Shortcut { input, .. } => {
                self.table_of(input)
            }
            Operation::Activate { .. }
            | Operation::Convolve { .. }
            | Operation::Classify { .. } => Some(step),
        }
    }

    /// Returns for each step the values that no later step reads.
    pub fn last_uses(&self) -> Vec<Vec<usize>> {
        let mut seen = vec![false; self.values.len()];
        let mut dead = vec![Vec::new(); self.steps.len()];
        for (step, dead) in self.steps.iter().zip(&mut dead).rev() {
            for value in step.operation.inputs() {
                if !std::mem::replace(&mut seen[value], true) {
                    dead.push(value);
                }
            }
        }
        dead
    }
}

impl Operation {
    /// Returns the values that are read.
    pub fn inputs(&self) -> Vec<usize> {
        match self {
            Operation::Activate { operands, .. } => {
                operands.iter().flat_map(|operand| operand.parts.iter().copied()).collect()
            }
            Operation::Convolve { input, .. }
            | Operation::Pool { input, .. }
            | Operation::Shortcut { input, .. }
            | Operation::Classify { input, .. } => vec![*input],
        }
    }
}
