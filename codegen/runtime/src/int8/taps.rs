//! What the sums of a tile are made of.

/// The weights of a tile, the activated rows, and where in them the vectors begin.
#[derive(Clone, Copy, Debug)]
pub struct Taps<'a> {
    /// The tile's weights: by row of the kernel, group and column of the kernel.
    pub weights: &'a [i8],
    /// Filters of the tile.
    pub tile: usize,
    /// The ring of activated rows.
    pub ring: &'a [u8],
    /// Groups in a row.
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
    pub fn columns(&self) -> Columns {
        let Taps { kernel, phases, phase_bytes, .. } = *self;
        Columns { kernel, phases, phase_bytes, phase: 0, column: 0, at: 0 }
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

/// The offsets of a kernel's columns.
#[derive(Clone, Debug)]
pub struct Columns {
    kernel: usize,
    phases: usize,
    phase_bytes: usize,
    phase: usize,
    /// The next column, and its offset.
    column: usize,
    at: usize,
}

impl Iterator for Columns {
    type Item = usize;

    // Without divisions: this runs once for each group.
    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        if self.column >= self.kernel {
            self.phase += 1;
            if self.phase >= self.phases || self.phase >= self.kernel {
                return None;
            }
            (self.column, self.at) = (self.phase, self.phase * self.phase_bytes);
        }
        let at = self.at;
        (self.column, self.at) = (self.column + self.phases, at + 4);
        Some(at)
    }
}
