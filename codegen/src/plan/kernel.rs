//! The kernels that a plan calls.

use common::network::activation::PiecewiseActivation;
use runtime::conv::Convolution;
use std::ops::Range;

/// A kernel with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// Convolution.
    Convolution {
        /// The sizes.
        layer: Convolution,
        /// Filters that are computed together.
        tile: usize,
        /// Packed weights.
        weights: Range<usize>,
    },
    /// Normalisation and activation alone.
    NormActivation,
    /// Adds the input to the content of the target, then applies an activation.
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
        /// Whether the result replaces the beginning of the input.
        in_place: bool,
    },
    /// The average over all positions.
    GlobalAveragePool,
    /// The maximum over all positions.
    GlobalMaxPool,
    /// A fully connected layer.
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
    /// Returns the ranges of weights and biases among the constants.
    pub(crate) fn weights_and_bias(&self) -> (Option<&Range<usize>>, Option<&Range<usize>>) {
        match self {
            Kernel::Convolution { weights, .. } => (Some(weights), None),
            Kernel::Linear { weights, bias } => (Some(weights), Some(bias)),
            Kernel::NormActivation
            | Kernel::Add { .. }
            | Kernel::Shortcut { .. }
            | Kernel::AveragePool { .. }
            | Kernel::GlobalAveragePool
            | Kernel::GlobalMaxPool
            | Kernel::Copy => (None, None),
        }
    }
}
