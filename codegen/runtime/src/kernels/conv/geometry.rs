//! The sizes of a convolution, and how its input and weights lie in memory.

use super::super::simd::MAX_LANES;

/// The most filters that are computed together.
pub const MAX_TILE: usize = 12;

/// The sizes of a convolution.
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
    /// Channels of the input in a chunk.
    pub chunk: usize,
}

impl Convolution {
    /// Returns the rows of the output.
    pub const fn out_height(&self) -> usize {
        (self.height - 1) / self.stride + 1
    }

    /// Returns the columns of the output.
    pub const fn out_width(&self) -> usize {
        (self.width - 1) / self.stride + 1
    }

    /// Returns the length of the packed weights: tiles of `tile` filters, each in the order
    /// (channel, row, column, filter); the last tile is filled up with zeros.
    pub const fn weights_len(&self, tile: usize) -> usize {
        self.filters.div_ceil(tile) * tile * self.channels * self.taps()
    }

    /// Returns the length of the scratch memory: the padded planes of a chunk, and as much as the
    /// last vector may read past them.
    pub const fn scratch_len(&self) -> usize {
        self.chunk * self.plane_len() + MAX_LANES
    }

    /// Returns the weights of a filter for one channel.
    pub(super) const fn taps(&self) -> usize {
        self.kernel * self.kernel
    }

    /// Returns the columns of a phase: every `stride`-th column of a padded row, so that a tap of
    /// neighbouring outputs reads neighbours.
    pub(super) const fn phase_len(&self) -> usize {
        (self.width + self.kernel - 1).div_ceil(self.stride)
    }

    /// Returns the distance from row to row in the scratch memory. A row has its phases one after
    /// the other.
    pub(super) const fn pitch(&self) -> usize {
        self.stride * self.phase_len()
    }

    /// Returns the distance from channel to channel in the scratch memory.
    pub const fn plane_len(&self) -> usize {
        (self.height + self.kernel - 1) * self.pitch()
    }
}
