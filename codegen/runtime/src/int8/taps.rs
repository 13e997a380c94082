//! What the sums of a tile are made of.

/// The weights of a tile, the activated rows, and where in them the vectors begin.
#[derive(Clone, Copy, Debug)]
pub struct Taps<'a> {
    /// The tile's weights: by row of the kernel, lot of groups and column of the kernel.
    pub weights: &'a [i8],
    /// The ring of activated rows.
    pub ring: &'a [u8],
    /// Groups in a row, with those that fill up the last lot.
    pub groups: usize,
    /// Side of the kernel.
    pub kernel: usize,
    /// Phases of a row: neighbouring columns that a stride takes apart.
    pub phases: usize,
    /// Distance in bytes from phase to phase.
    pub phase_bytes: usize,
    /// Distance in bytes from group to group.
    pub line: usize,
    /// Distance in bytes from row to row of the ring.
    pub slot: usize,
    /// Rows of the ring.
    pub slots: usize,
    /// For each vector, the row of the ring with its first tap, and the offset in bytes of its
    /// first column.
    pub starts: &'a [[usize; 2]],
}

impl Taps<'_> {
    /// Returns the place of a vector's first group for a row of the kernel.
    #[inline(always)]
    pub fn row(&self, vector: usize, row: usize) -> usize {
        let [first, column] = self.starts[vector];
        let slot = first + row;
        (if slot < self.slots { slot } else { slot - self.slots }) * self.slot + column
    }

    /// Returns the offsets in bytes of the kernel's columns, in the order of the weights.
    #[inline(always)]
    pub fn columns(&self) -> impl Iterator<Item = usize> + use<> {
        let Taps { kernel, phases, phase_bytes, .. } = *self;
        (0..phases.min(kernel)).flat_map(move |phase| {
            (0..(kernel - phase).div_ceil(phases)).map(move |place| phase * phase_bytes + 4 * place)
        })
    }

    /// Panics unless all that vectors of `bytes` bytes read, and weights of `tile` filters with
    /// `group` bytes each, are there.
    #[inline(always)]
    pub fn check(&self, weights: usize, bytes: usize) {
        let taps = (self.kernel - 1) / self.phases * 4 + (self.phases - 1) * self.phase_bytes;
        for [first, column] in self.starts {
            assert!(*first < self.slots && self.kernel <= self.slots);
            let end = column + (self.groups - 1) * self.line + taps + bytes;
            assert!((self.slots - 1) * self.slot + end <= self.ring.len());
        }
        assert!(self.groups * self.kernel * self.kernel * weights <= self.weights.len());
    }
}
