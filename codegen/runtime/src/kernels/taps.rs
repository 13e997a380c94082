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

/// The taps of some channels.
pub struct Taps<'a> {
    /// The weights of a tile in the order (channel, row, column, filter).
    pub weights: &'a [f32],
    /// The first filter of the tile to compute.
    pub start: usize,
    /// The padded planes.
    pub planes: &'a [f32],
    /// Number of channels.
    pub channels: usize,
    /// Side of the square kernel.
    pub kernel: usize,
    /// The distance from channel to channel in the planes.
    pub plane_len: usize,
    /// The distance from row to row.
    pub pitch: usize,
    /// The distance from one column of the kernel to the next, modulo the pitch; at each wrap the
    /// offset grows by one.
    pub phase_len: usize,
}

impl Taps<'_> {
    /// Checks that every tap of vectors of so many lanes is inside the slices.
    ///
    /// # Panics
    /// Panics if one is not.
    #[inline(always)]
    pub fn check<const TILE: usize, const FILTERS: usize, const VECTORS: usize>(
        &self,
        from: [usize; VECTORS],
        lanes: usize,
    ) {
        let Taps { channels, kernel, plane_len, pitch, phase_len, .. } = *self;
        assert!(
            self.start + FILTERS <= TILE && channels * kernel * kernel * TILE <= self.weights.len()
        );
        // The columns of the kernel are at most this far from the first one.
        let column = pitch - phase_len + kernel - 1;
        let last = (channels - 1) * plane_len + (kernel - 1) * pitch + column + lanes;
        assert!(from.iter().all(|from| from + last <= self.planes.len()));
    }
}
