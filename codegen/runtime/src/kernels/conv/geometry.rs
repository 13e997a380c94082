//! The sizes of a convolution, and how its input and weights lie in memory.

use super::super::simd::MAX_LANES;
use super::super::taps::Offsets;

/// The most filters that are computed together.
pub const MAX_TILE: usize = 12;

/// The sizes of a convolution.
///
/// The input of a band of output rows lies in the scratch memory as padded planes, one for each
/// channel of a chunk. A row of a plane has its phases one after the other: every `stride`-th
/// column, so that a tap of neighbouring outputs reads neighbours. A vector of outputs then ends
/// with its row. A flat plane has a copy for each column of the kernel and each phase of the rows,
/// whose rows have no padding and as many columns as the output. It takes more memory, but a vector
/// of outputs may run over the ends of rows.
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
    /// Rows of the output in a band.
    pub band: usize,
    /// Whether the planes are flat, on processors with room for it.
    pub flat: bool,
}

impl Convolution {
    /// Tells whether the planes are flat. They never are on 32-bit ARM, where memory may be scarce,
    /// nor is there code for them.
    pub(super) const fn is_flat(&self) -> bool {
        self.flat && !cfg!(target_arch = "arm")
    }

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

    /// Returns the length of the scratch memory: the padded planes of a chunk and a band, as much as
    /// the last vector may read past them, and a row from which flat planes are made.
    pub const fn scratch_len(&self) -> usize {
        self.chunk * self.plane_len() + MAX_LANES + self.line_len()
    }

    /// Returns the weights of a filter for one channel.
    pub(super) const fn taps(&self) -> usize {
        self.kernel * self.kernel
    }

    /// Returns the padded rows that the outputs of so many rows read.
    pub(super) const fn rows_of(&self, band: usize) -> usize {
        (band - 1) * self.stride + self.kernel
    }

    /// Returns the columns of a phase.
    pub(super) const fn phase_len(&self) -> usize {
        (self.width + self.kernel - 1).div_ceil(self.stride)
    }

    /// Returns the length of a padded row, which has its phases one after the other.
    pub(super) const fn pitch(&self) -> usize {
        self.stride * self.phase_len()
    }

    /// Returns the length of a row of the input, for strides over 1, and of the padded row from which
    /// a flat plane is made.
    pub(super) const fn line_len(&self) -> usize {
        match (self.stride, self.is_flat()) {
            (1, _) => 0,
            (_, false) => self.width,
            (_, true) => self.width + self.pitch(),
        }
    }

    /// Returns the length of a copy in a flat plane.
    pub(super) const fn copy_len(&self) -> usize {
        self.rows_of(self.band).div_ceil(self.stride) * self.out_width()
    }

    /// Returns the distance from channel to channel in the scratch memory.
    pub const fn plane_len(&self) -> usize {
        if self.is_flat() {
            self.kernel * self.stride * self.copy_len()
        } else {
            self.rows_of(self.band) * self.pitch()
        }
    }

    /// Returns the offsets of the kernel's rows in a plane.
    pub(super) const fn row_offsets(&self) -> Offsets {
        if self.is_flat() {
            let copy_len = self.copy_len();
            Offsets::new(copy_len, self.stride, self.out_width(), self.kernel)
        } else {
            Offsets::new(self.pitch(), 1, self.pitch(), self.kernel)
        }
    }

    /// Returns the offsets of the kernel's columns in a row of a plane.
    pub(super) const fn column_offsets(&self) -> Offsets {
        if self.is_flat() {
            let copies_len = self.stride * self.copy_len();
            Offsets::new(copies_len, 1, copies_len, self.kernel)
        } else {
            Offsets::new(self.phase_len(), self.stride, 1, self.kernel)
        }
    }
}
