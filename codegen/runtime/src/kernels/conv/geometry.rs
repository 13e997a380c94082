//! The sizes of a convolution, and how its input and weights lie in memory.

use super::super::simd::MAX_LANES;

/// The most filters that are computed together.
pub const MAX_TILE: usize = 12;

/// The numbers of one convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// Channels of the input.
    pub channels: usize,
    /// Rows of the input.
    pub height: usize,
    /// Columns of the input.
    pub width: usize,
    /// Channels of the output.
    pub filters: usize,
    /// Side of the square kernel, odd.
    pub kernel: usize,
    /// Step in both directions.
    pub stride: usize,
    /// Channels of the input that are laid out at a time.
    pub chunk: usize,
}

impl Convolution {
    /// Rows of the output.
    pub const fn out_height(&self) -> usize {
        (self.height - 1) / self.stride + 1
    }

    /// Columns of the output.
    pub const fn out_width(&self) -> usize {
        (self.width - 1) / self.stride + 1
    }

    /// Elements of the packed weights: tiles of `tile` filters, in each (channel, row, column,
    /// filter), missing filters of the last tile zero.
    pub const fn weights_len(&self, tile: usize) -> usize {
        self.filters.div_ceil(tile) * tile * self.channels * self.taps()
    }

    /// Elements of scratch memory: the padded planes of a chunk. The last vector may read past
    /// them.
    pub const fn scratch_len(&self) -> usize {
        self.chunk * self.plane_len() + MAX_LANES
    }

    /// Weights of a filter for one channel.
    pub(super) const fn taps(&self) -> usize {
        self.kernel * self.kernel
    }

    /// Columns of a padded row of which one tap of neighbouring outputs takes neighbours: every
    /// `stride`-th.
    pub(super) const fn phase_len(&self) -> usize {
        (self.width + self.kernel - 1).div_ceil(self.stride)
    }

    /// The distance from row to row in the scratch memory. There the columns stand in order of
    /// their remainder by the stride.
    pub(super) const fn pitch(&self) -> usize {
        self.stride * self.phase_len()
    }

    /// The distance from channel to channel in the scratch memory.
    pub const fn plane_len(&self) -> usize {
        (self.height + self.kernel - 1) * self.pitch()
    }
}
