//! The kernels that a plan calls.

use common::activation::PiecewiseActivation;
use runtime::conv::Convolution;
use std::ops::Range;

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
        /// Whether the result replaces the beginning of what it is made from.
        in_place: bool,
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

impl Kernel {
    /// Its own weights and biases among the constants.
    pub(crate) fn weights_and_bias(&self) -> (Option<&Range<usize>>, Option<&Range<usize>>) {
        match self {
            Kernel::Convolution { weights, .. } => (Some(weights), None),
            Kernel::Linear { weights, bias } => (Some(weights), Some(bias)),
            Kernel::Map
            | Kernel::Add { .. }
            | Kernel::Shortcut { .. }
            | Kernel::AveragePool { .. }
            | Kernel::GlobalAveragePool
            | Kernel::GlobalMaxPool
            | Kernel::Copy => (None, None),
        }
    }
}
