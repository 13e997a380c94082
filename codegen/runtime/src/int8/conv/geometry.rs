//! The sizes of a convolution, and how its input and weights lie in memory.

use super::super::packing::Packing;

/// The bytes of a group in an activated row, for one column.
pub(super) const GROUP_BYTES: usize = 4;
/// What a vector may read past the last row.
const SLACK: usize = 64;

/// The sizes of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// Channels of the input.
    pub channels: usize,
    /// Rows of the input.
    pub height: usize,
    /// Columns of the input.
    pub width: usize,
    /// Side of the squares that are averaged before; 1 for none.
    pub pool: usize,
    /// Channels of the output.
    pub filters: usize,
    /// Side of the square kernel, odd.
    pub kernel: usize,
    /// Step in both directions.
    pub stride: usize,
}

impl Convolution {
    /// Returns the rows of the output.
    pub const fn out_height(&self) -> usize {
        (self.height / self.pool - 1) / self.stride + 1
    }

    /// Returns the columns of the output.
    pub const fn out_width(&self) -> usize {
        (self.width / self.pool - 1) / self.stride + 1
    }

    /// Returns the length of a filter's packed weights.
    pub const fn filter_len(&self, packing: Packing) -> usize {
        packing.groups(self.channels) * packing.group * self.kernel * self.kernel
    }

    /// Returns the length of all packed weights; the last tile is filled up.
    pub const fn weights_len(&self, packing: Packing) -> usize {
        self.padded_filters(packing) * self.filter_len(packing)
    }

    /// Returns the number of filters with those that fill up the last tile.
    pub const fn padded_filters(&self, packing: Packing) -> usize {
        self.filters.next_multiple_of(packing.tile(self.filters))
    }

    /// Returns the place of a weight among the packed ones: `tap` is the row and column in the
    /// kernel.
    pub const fn weight_at(
        &self,
        packing: Packing,
        filter: usize,
        channel: usize,
        tap: [usize; 2],
    ) -> usize {
        let tile = packing.tile(self.filters);
        let (group, lane) = (channel / packing.group, channel % packing.group);
        let row = filter / tile * self.kernel + tap[0];
        let group = row * packing.groups(self.channels) + group;
        let block = group * self.kernel + self.tap_order(tap[1]);
        let inside = filter % tile;
        let within = if packing.filters_alternate {
            lane * tile + inside
        } else {
            inside * packing.group + lane
        };
        block * tile * packing.group + within
    }

    /// Returns the place of a kernel's column: phase by phase, as columns lie in a row.
    const fn tap_order(&self, column: usize) -> usize {
        let (phase, mut place, mut before) = (column % self.stride, column / self.stride, 0);
        while before < phase {
            place += (self.kernel - before).div_ceil(self.stride);
            before += 1;
        }
        place
    }

    /// Returns the bytes of a line: a group's columns in a row of the ring, with their padding.
    pub const fn line_len(&self, packing: Packing) -> usize {
        self.pitch(packing) * GROUP_BYTES
    }

    /// Returns the length of the scratch memory in bytes: the ring, a row whose columns are put in
    /// order of phases, and what the last vector may read past them.
    pub const fn scratch_len(&self, packing: Packing) -> usize {
        let row = if self.stride > 1 { self.plain_row(packing) * GROUP_BYTES } else { 0 };
        self.slots(packing) * self.slot_len(packing) + self.slack() + row
    }

    /// Returns the bytes after the ring that the last vector may read.
    pub(super) const fn slack(&self) -> usize {
        SLACK
    }

    /// Returns the rows of the output that are computed together: two if they are short, and four
    /// if a vector has room for two. One if no vector is longer than a column.
    pub(super) const fn rows(&self, packing: Packing) -> usize {
        let rows = match self.out_width() {
            width if width <= packing.columns / 2 && packing.columns >= 16 => 4,
            ..=16 if packing.columns > 1 => 2,
            _ => 1,
        };
        if rows < self.out_height() { rows } else { self.out_height() }
    }

    /// Returns the rows in the ring.
    pub(super) const fn slots(&self, packing: Packing) -> usize {
        self.kernel + (self.rows(packing) - 1) * self.stride
    }

    /// Returns the columns of a phase: every `stride`-th column of a padded row, so that a tap of
    /// neighbouring outputs reads neighbours.
    pub(super) const fn phase_len(&self, packing: Packing) -> usize {
        self.out_width().next_multiple_of(packing.columns) + (self.kernel - 1) / self.stride
    }

    /// Returns the columns of a row of the ring.
    pub(super) const fn pitch(&self, packing: Packing) -> usize {
        let phases = if self.stride < self.kernel { self.stride } else { self.kernel };
        phases * self.phase_len(packing)
    }

    /// Returns the columns of a row that is not in order of phases yet.
    const fn plain_row(&self, packing: Packing) -> usize {
        (self.width / self.pool).next_multiple_of(packing.columns)
    }

    /// Returns the bytes of a row of the ring, with all groups.
    pub(super) const fn slot_len(&self, packing: Packing) -> usize {
        packing.groups(self.channels) * self.pitch(packing) * GROUP_BYTES
    }
}
