//! The sums of a tile: filters that are computed together, for one chunk of channels.

use super::super::simd::Simd;
use super::super::taps::{Planes, Taps};
use super::geometry::Convolution;

/// What a chunk of channels contributes to a tile of filters.
pub(super) struct Tile<'a, const TILE: usize> {
    pub(super) layer: &'a Convolution,
    /// Those of the tile and the chunk.
    pub(super) weights: &'a [f32],
    pub(super) planes: &'a [f32],
    /// The tile's planes; the last tile may have fewer than `TILE`.
    pub(super) to: &'a mut [f32],
    /// Whether this is the first chunk.
    pub(super) first: bool,
}

impl<const TILE: usize> Tile<'_, TILE> {
    /// All filters of the tile together, or, where there are too few registers for their sums, in
    /// two halves.
    #[inline(always)]
    pub(super) fn add<S: Simd>(mut self, simd: S) {
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

    /// `FILTERS` filters from `start` on, for all outputs.
    #[inline(always)]
    fn add_filters<S: Simd, const FILTERS: usize>(&mut self, simd: S, start: usize) {
        // The second half of the last tile may be all missing.
        if start * self.layer.out_height() * self.layer.out_width() >= self.to.len() {
            return;
        }
        let vectors = self.layer.out_height() * self.layer.out_width().div_ceil(S::LANES);
        for at in (0..vectors - vectors % 2).step_by(2) {
            self.add_vectors::<S, FILTERS, 2>(simd, start, at);
        }
        if vectors % 2 == 1 {
            self.add_vectors::<S, FILTERS, 1>(simd, start, vectors - 1);
        }
    }

    /// The same for the outputs of some vectors from the one with the index `at` on.
    // On 32-bit ARM, where memory may be scarce, once for all activations.
    #[cfg_attr(target_arch = "arm", inline(never))]
    #[cfg_attr(not(target_arch = "arm"), inline(always))]
    fn add_vectors<S: Simd, const FILTERS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        start: usize,
        at: usize,
    ) {
        let mut places = [Place::default(); VECTORS];
        for (vector, place) in places.iter_mut().enumerate() {
            *place = Place::of::<S>(self.layer, at + vector);
        }
        let layer = self.layer;
        let taps = Taps {
            weights: self.weights,
            start,
            planes: self.planes,
            channels: self.weights.len() / (TILE * layer.taps()),
            kernel: layer.kernel,
            plane_len: layer.plane_len(),
            pitch: layer.pitch(),
            phase_len: layer.phase_len(),
        };
        let from = pick(&places, |place| place.from);
        let distance = layer.out_height() * layer.out_width();
        let values = &mut self.to[start * distance..];
        if is_whole::<S>(values.len(), FILTERS * distance, &places) {
            let to = Planes { values, distance, places: pick(&places, |place| place.to) };
            if simd.add_taps_to_planes::<TILE, FILTERS, VECTORS>(&taps, from, self.first, to) {
                return;
            }
        }
        let mut sums = [[simd.splat(0.0); VECTORS]; FILTERS];
        if !self.first {
            sums = self.load(simd, start, &places);
        }
        let sums = simd.add_taps::<TILE, FILTERS, VECTORS>(&taps, from, sums);
        self.store(simd, start, &places, sums);
    }

    /// What has been summed up so far.
    #[inline(always)]
    fn load<S: Simd, const FILTERS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        start: usize,
        places: &[Place; VECTORS],
    ) -> [[S::Vector; VECTORS]; FILTERS] {
        let out_plane = self.layer.out_height() * self.layer.out_width();
        let to = &self.to[start * out_plane..];
        if is_whole::<S>(to.len(), FILTERS * out_plane, places) {
            return simd.load_planes::<FILTERS, VECTORS>(
                to,
                out_plane,
                pick(places, |place| place.to),
            );
        }
        let mut sums = [[simd.splat(0.0); VECTORS]; FILTERS];
        for (to, sums) in to.chunks_exact(out_plane).zip(&mut sums) {
            for (sum, place) in sums.iter_mut().zip(places) {
                let to = &to[place.to..][..place.count];
                *sum = if place.count == S::LANES { simd.load(to) } else { simd.load_part(to) };
            }
        }
        sums
    }

    /// Stores what has been summed up.
    #[inline(always)]
    fn store<S: Simd, const FILTERS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        start: usize,
        places: &[Place; VECTORS],
        sums: [[S::Vector; VECTORS]; FILTERS],
    ) {
        let out_plane = self.layer.out_height() * self.layer.out_width();
        let to = &mut self.to[start * out_plane..];
        if is_whole::<S>(to.len(), FILTERS * out_plane, places) {
            return simd.store_planes::<FILTERS, VECTORS>(
                sums,
                to,
                out_plane,
                pick(places, |place| place.to),
            );
        }
        // By reference: iterators that own an array are not inlined.
        for (to, sums) in to.chunks_exact_mut(out_plane).zip(&sums) {
            for (sum, place) in sums.iter().zip(places) {
                let to = &mut to[place.to..][..place.count];
                if place.count == S::LANES {
                    simd.store(*sum, to)
                } else {
                    simd.store_part(*sum, to)
                }
            }
        }
    }
}

/// A number of each place. Not by `map`, which is not inlined into code for other instructions.
#[inline(always)]
fn pick<const VECTORS: usize>(
    places: &[Place; VECTORS],
    number: impl Fn(&Place) -> usize,
) -> [usize; VECTORS] {
    let mut numbers = [0; VECTORS];
    for (to, place) in numbers.iter_mut().zip(places) {
        *to = number(place);
    }
    numbers
}

/// Whether there are as many outputs as wanted, and full vectors of them.
#[inline(always)]
fn is_whole<S: Simd>(len: usize, wanted: usize, places: &[Place]) -> bool {
    len >= wanted && places.iter().all(|place| place.count == S::LANES)
}

/// A vector of the output.
#[derive(Clone, Copy, Default)]
struct Place {
    /// Where the values of the first tap begin in a padded plane.
    from: usize,
    /// Where its outputs begin in a plane.
    to: usize,
    /// How many outputs it has.
    count: usize,
}

impl Place {
    /// The vector with this index, row by row.
    #[inline(always)]
    fn of<S: Simd>(layer: &Convolution, index: usize) -> Place {
        let width = layer.out_width();
        let vectors = width.div_ceil(S::LANES);
        let (row, column) = (index / vectors, index % vectors * S::LANES);
        let from = row * layer.stride * layer.pitch() + column;
        Place { from, to: row * width + column, count: S::LANES.min(width - column) }
    }
}
