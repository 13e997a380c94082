//! The taps of a convolution, and the sums that they are added to, as slices and distances.

/// Vectors of sums in planes of the output, at the same places in each plane.
pub struct Planes<'a, const VECTORS: usize> {
    /// The planes, from the first one on.
    pub values: &'a mut [f32],
    /// The distance from plane to plane.
    pub distance: usize,
    /// The offsets of the vectors in a plane.
    pub places: [usize; VECTORS],
}

/// The offsets of a kernel's rows or columns: `phases` of them are `step` apart; then they begin
/// again, `next` further.
#[derive(Clone, Copy, Debug)]
pub struct Offsets {
    /// The distance from one offset to the next one within a turn.
    pub step: usize,
    /// The number of steps after which a turn ends, times `step`.
    pub end: usize,
    /// The distance from turn to turn.
    pub next: usize,
    /// The largest offset.
    pub last: usize,
}

impl Offsets {
    /// Returns the offsets of a kernel with this side.
    pub const fn new(step: usize, phases: usize, next: usize, kernel: usize) -> Offsets {
        let (mut last, mut index) = (0, 0);
        while index < kernel {
            let offset = index % phases * step + index / phases * next;
            last = if offset > last { offset } else { last };
            index += 1;
        }
        Offsets { step, end: phases * step, next, last }
    }

    /// Tells whether the offsets are the multiples of [`Offsets::next`].
    #[inline(always)]
    pub const fn are_even(self) -> bool {
        self.step == self.end
    }
}

/// The taps of some channels.
#[derive(Clone, Copy)]
pub struct Taps<'a> {
    /// The weights of a tile in the order (channel, row, column, filter).
    pub weights: &'a [f32],
    /// Filters of the tile.
    pub tile: usize,
    /// The first one of them to compute.
    pub start: usize,
    /// The padded planes.
    pub planes: &'a [f32],
    /// Number of channels.
    pub channels: usize,
    /// Side of the square kernel.
    pub kernel: usize,
    /// The distance from channel to channel in the planes.
    pub plane_len: usize,
    /// The offsets of the kernel's rows in a plane.
    pub rows: Offsets,
    /// The offsets of the kernel's columns in a row.
    pub columns: Offsets,
}

impl Taps<'_> {
    /// Tells whether columns of the kernel are next to each other, and rows evenly spaced.
    #[inline(always)]
    pub fn are_plain(&self) -> bool {
        self.rows.are_even() && self.columns.are_even() && self.columns.next == 1
    }

    /// Checks that every tap of vectors of so many lanes is inside the slices.
    ///
    /// # Panics
    /// Panics if one is not.
    #[inline(always)]
    pub fn check<const FILTERS: usize, const VECTORS: usize>(
        &self,
        from: [usize; VECTORS],
        lanes: usize,
    ) {
        let Taps { tile, start, channels, kernel, plane_len, rows, columns, .. } = *self;
        assert!(start + FILTERS <= tile && channels * kernel * kernel * tile <= self.weights.len());
        let last = (channels - 1) * plane_len + rows.last + columns.last + lanes;
        assert!(from.iter().all(|from| from + last <= self.planes.len()));
    }
}
