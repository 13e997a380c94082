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
    /// first column; if there are twice as many, they are those of the vectors' halves.
    pub starts: &'a [[usize; 2]],
}

impl Taps<'_> {
    /// Returns the place of the first group of a vector (or half) for a row of the kernel.
    #[inline(always)]
    pub fn row(&self, start: usize, row: usize) -> usize {
        let [first, column] = self.starts[start];
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

    /// Panics unless everything is there that vectors (or halves of them) of `bytes` bytes read, and
    /// weights of `filters` bytes for each group and tap.
    #[inline(always)]
    pub fn check(&self, filters: usize, bytes: usize) {
        let Taps { groups, kernel, phases, .. } = *self;
        assert!(groups > 0 && kernel > 0 && kernel <= self.slots);
        let taps = (kernel - 1) / phases * 4 + (phases.min(kernel) - 1) * self.phase_bytes;
        let last = (self.slots - 1) * self.slot + (groups - 1) * self.line + taps + bytes;
        for [first, column] in self.starts {
            assert!(*first < self.slots && last + column <= self.ring.len());
        }
        assert!(groups * kernel * kernel * filters <= self.weights.len());
    }
}
