//! The sums of a tile: filters that are computed together, for one chunk of channels.

use super::super::simd::{Simd, Task};
use super::super::taps::{Planes, Taps};
use super::geometry::Convolution;
use core::ops::Range;

/// The contribution of a chunk of channels to a tile of filters and a band of rows.
pub(super) struct Tile<'a> {
    taps: Taps<'a>,
    places: Places,
    /// The output planes of the tile; the last tile may have fewer than there are filters in others.
    to: &'a mut [f32],
    /// Elements of an output plane.
    out_plane: usize,
    /// Whether this is the first chunk, before which the sums are 0.
    first: bool,
}

impl<'a> Tile<'a> {
    /// Returns the contribution to `to` of the weights and planes in `taps`.
    #[inline(always)]
    pub(super) fn new(
        layer: &Convolution,
        taps: Taps<'a>,
        to: &'a mut [f32],
        band: &Range<usize>,
        first: bool,
    ) -> Self {
        let out_plane = layer.out_height() * layer.out_width();
        Tile { taps, places: Places::of(layer, band), to, out_plane, first }
    }

    /// Adds to all `TILE` filters together, or in two halves if there are too few registers for
    /// their sums.
    #[inline(always)]
    pub(super) fn add<S: Simd, const TILE: usize>(mut self, simd: S) {
        match if S::REGISTERS < 32 { TILE } else { 0 } {
            12 => (self.add_filters::<S, 6>(simd, 0), self.add_filters::<S, 6>(simd, 6)),
            11 => (self.add_filters::<S, 6>(simd, 0), self.add_filters::<S, 5>(simd, 6)),
            10 => (self.add_filters::<S, 5>(simd, 0), self.add_filters::<S, 5>(simd, 5)),
            9 => (self.add_filters::<S, 5>(simd, 0), self.add_filters::<S, 4>(simd, 5)),
            8 => (self.add_filters::<S, 4>(simd, 0), self.add_filters::<S, 4>(simd, 4)),
            7 => (self.add_filters::<S, 4>(simd, 0), self.add_filters::<S, 3>(simd, 4)),
            _ => (self.add_filters::<S, TILE>(simd, 0), ()),
        };
    }

    /// Adds to `FILTERS` filters from `start` on, for all outputs.
    #[inline(always)]
    fn add_filters<S: Simd, const FILTERS: usize>(&mut self, simd: S, start: usize) {
        let Tile { taps, places, out_plane, first, .. } = *self;
        // The last tile may have no second half.
        if let Some(to) = self.to.get_mut(start * out_plane..).filter(|to| !to.is_empty()) {
            let taps = Taps { start, ..taps };
            simd.run(Filters::<FILTERS> { taps, places, to, out_plane, first });
        }
    }
}

/// The contribution to `FILTERS` filters of a tile, whose output planes `to` begins with. It is a
/// task of its own so that one copy of it serves all activations and tiles.
struct Filters<'a, const FILTERS: usize> {
    taps: Taps<'a>,
    places: Places,
    to: &'a mut [f32],
    out_plane: usize,
    first: bool,
}

impl<const FILTERS: usize> Task for Filters<'_, FILTERS> {
    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let vectors = self.places.vectors(S::LANES);
        // Two pairs are faster than three vectors and a single one.
        let threes = match vectors % 3 {
            _ if !has_room_for_three::<S>(FILTERS) => 0,
            1 => (vectors / 3).saturating_sub(1),
            _ => vectors / 3,
        };
        for three in 0..threes {
            self.add_vectors::<S, 3>(simd, 3 * three);
        }
        let rest = 3 * threes..vectors;
        for pair in 0..rest.len() / 2 {
            self.add_vectors::<S, 2>(simd, rest.start + 2 * pair);
        }
        if rest.len() % 2 == 1 {
            self.add_vectors::<S, 1>(simd, vectors - 1);
        }
    }
}

impl<const FILTERS: usize> Filters<'_, FILTERS> {
    /// Adds to `VECTORS` vectors of outputs from the index `at` on.
    #[inline(always)]
    fn add_vectors<S: Simd, const VECTORS: usize>(&mut self, simd: S, at: usize) {
        let mut vectors = [OutputVector::default(); VECTORS];
        for (index, vector) in vectors.iter_mut().enumerate() {
            *vector = self.places.vector(S::LANES, at + index);
        }
        let from = pick(&vectors, |vector| vector.from);
        let distance = self.out_plane;
        if is_whole::<S>(self.to.len(), FILTERS * distance, &vectors) {
            let places = pick(&vectors, |vector| vector.to);
            let to = Planes { values: &mut *self.to, distance, places };
            if simd.add_taps_to_planes::<FILTERS, VECTORS>(&self.taps, from, self.first, to) {
                return;
            }
        }
        let mut sums = [[simd.splat(0.0); VECTORS]; FILTERS];
        if !self.first {
            sums = self.load(simd, &vectors);
        }
        let sums = simd.add_taps::<FILTERS, VECTORS>(&self.taps, from, sums);
        self.store(simd, &vectors, sums);
    }

    /// Loads the sums so far.
    #[inline(always)]
    fn load<S: Simd, const VECTORS: usize>(
        &self,
        simd: S,
        vectors: &[OutputVector; VECTORS],
    ) -> [[S::Vector; VECTORS]; FILTERS] {
        let out_plane = self.out_plane;
        let to = &*self.to;
        if is_whole::<S>(to.len(), FILTERS * out_plane, vectors) {
            return simd.load_planes::<FILTERS, VECTORS>(
                to,
                out_plane,
                pick(vectors, |vector| vector.to),
            );
        }
        let mut sums = [[simd.splat(0.0); VECTORS]; FILTERS];
        for (to, sums) in to.chunks_exact(out_plane).zip(&mut sums) {
            for (sum, vector) in sums.iter_mut().zip(vectors) {
                let to = &to[vector.to..][..vector.count];
                *sum = if vector.count == S::LANES { simd.load(to) } else { simd.load_part(to) };
            }
        }
        sums
    }

    /// Stores the sums.
    #[inline(always)]
    fn store<S: Simd, const VECTORS: usize>(
        &mut self,
        simd: S,
        vectors: &[OutputVector; VECTORS],
        sums: [[S::Vector; VECTORS]; FILTERS],
    ) {
        let out_plane = self.out_plane;
        let to = &mut *self.to;
        if is_whole::<S>(to.len(), FILTERS * out_plane, vectors) {
            return simd.store_planes::<FILTERS, VECTORS>(
                sums,
                to,
                out_plane,
                pick(vectors, |vector| vector.to),
            );
        }
        // By reference: iterators that own an array are not inlined.
        for (to, sums) in to.chunks_exact_mut(out_plane).zip(&sums) {
            for (sum, vector) in sums.iter().zip(vectors) {
                let to = &mut to[vector.to..][..vector.count];
                if vector.count == S::LANES {
                    simd.store(*sum, to);
                } else {
                    simd.store_part(*sum, to);
                }
            }
        }
    }
}

/// Returns one number of each vector. Not by `map`, which is not inlined into code for other
/// instruction sets.
#[inline(always)]
fn pick<const VECTORS: usize>(
    vectors: &[OutputVector; VECTORS],
    number: impl Fn(&OutputVector) -> usize,
) -> [usize; VECTORS] {
    let mut numbers = [0; VECTORS];
    for (to, vector) in numbers.iter_mut().zip(vectors) {
        *to = number(vector);
    }
    numbers
}

/// Tells whether there are enough outputs, and whether all vectors are full.
#[inline(always)]
fn is_whole<S: Simd>(len: usize, wanted: usize, vectors: &[OutputVector]) -> bool {
    len >= wanted && vectors.iter().all(|vector| vector.count == S::LANES)
}

/// A vector of the output.
#[derive(Clone, Copy, Default)]
struct OutputVector {
    /// The offset of the first tap's values in a padded plane.
    from: usize,
    /// The offset of its outputs in a plane.
    to: usize,
    /// Number of outputs.
    count: usize,
}

/// Where the outputs of a band are.
#[derive(Clone, Copy)]
struct Places {
    /// Columns in a row of outputs: of the whole band if it is flat.
    width: usize,
    /// Number of such rows.
    rows: usize,
    /// The distance from the first values of a row to those of the next one, in a padded plane.
    pitch: usize,
    /// The offset of the band's outputs in a plane.
    start: usize,
}

impl Places {
    #[inline(always)]
    fn of(layer: &Convolution, band: &Range<usize>) -> Places {
        let width = layer.out_width();
        let start = band.start * width;
        if layer.is_flat() {
            Places { width: band.len() * width, rows: 1, pitch: 0, start }
        } else {
            Places { width, rows: band.len(), pitch: layer.stride * layer.pitch(), start }
        }
    }

    /// Returns the number of vectors.
    #[inline(always)]
    fn vectors(&self, lanes: usize) -> usize {
        self.rows * self.width.div_ceil(lanes)
    }

    /// Returns the vector with this index; vectors are counted row by row.
    #[inline(always)]
    fn vector(&self, lanes: usize, index: usize) -> OutputVector {
        let vectors = self.width.div_ceil(lanes);
        let (row, column) = (index / vectors, index % vectors * lanes);
        OutputVector {
            from: row * self.pitch + column,
            to: self.start + row * self.width + column,
            count: lanes.min(self.width - column),
        }
    }
}

/// Tells whether the registers hold the sums of so many filters for three vectors, and what is
/// multiplied.
#[inline(always)]
const fn has_room_for_three<S: Simd>(filters: usize) -> bool {
    S::MOST_VECTORS >= 3 && 3 * filters + 3 < S::REGISTERS
}
