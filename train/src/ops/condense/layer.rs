//! The sizes of a condense layer, and the layout of its parameters.

use crate::ops::blocks::Blocks;
use common::network::activation::PiecewiseActivation;

/// The sizes of a condense layer. Its parameters are one vector: for each FEL gamma, beta and the
/// weight (out, in, kernel, kernel); then those of the tail.
#[derive(Clone, Debug)]
pub struct CondenseLayer {
    /// Channels of the input.
    pub in_channels: usize,
    /// Output channels of each FEL; they differ in pruned networks.
    pub filters: Vec<usize>,
    /// Side of the FELs' kernels, odd.
    pub kernel: usize,
    /// The activation of FELs and tail.
    pub pair: PiecewiseActivation,
    /// The nodes after the FELs.
    pub tail: Tail,
}

/// The nodes after the FELs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// No nodes: the result is the concatenation.
    Concat,
    /// BatchNorm, activation, 1x1 convolution, average pooling. Pooling is computed before the
    /// convolution, with which it commutes up to rounding, and leaves it a quarter of the work.
    Transition {
        /// Channels after the convolution.
        out_channels: usize,
        /// Side of the pooled squares.
        pool: usize,
    },
    /// BatchNorm, activation, average over all positions.
    AverageHead,
}

impl CondenseLayer {
    /// Returns the number of input channels of FEL `index`; that of the whole concatenation for
    /// `filters.len()`.
    pub fn channels(&self, index: usize) -> usize {
        self.in_channels + self.filters[..index].iter().sum::<usize>()
    }

    /// Returns the number of parameters.
    pub fn parameters(&self) -> usize {
        let (start, channels) = (self.start(self.filters.len()), self.channels(self.filters.len()));
        start
            + match self.tail {
                Tail::Concat => 0,
                Tail::Transition { out_channels, .. } => 2 * channels + out_channels * channels,
                Tail::AverageHead => 2 * channels,
            }
    }

    /// Returns the start of the parameters of FEL `index`; of the tail for `filters.len()`.
    pub(super) fn start(&self, index: usize) -> usize {
        (0..index)
            .map(|i| self.channels(i) * (2 + self.filters[i] * self.kernel * self.kernel))
            .sum()
    }

    /// Returns gamma and beta of FEL `index`, or of the tail, and all parameters after them.
    pub(super) fn split<'a>(
        &self,
        index: usize,
        parameters: &'a [f32],
    ) -> (&'a [f32], &'a [f32], &'a [f32]) {
        let channels = self.channels(index);
        let (gamma, rest) = parameters[self.start(index)..].split_at(channels);
        let (beta, rest) = rest.split_at(channels);
        (gamma, beta, rest)
    }

    /// Returns the shape of the output for an input of this shape.
    pub(super) fn out_shape(&self, shape: Blocks) -> Blocks {
        let channels = self.channels(self.filters.len());
        match self.tail {
            Tail::Concat => shape.with_channels(channels),
            Tail::Transition { out_channels, pool } => Blocks {
                height: shape.height / pool,
                width: shape.width / pool,
                channels: out_channels,
                ..shape
            },
            Tail::AverageHead => Blocks { height: 1, width: 1, channels, ..shape },
        }
    }
}
