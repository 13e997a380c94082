//! Convolution with "same" padding and no bias, of a tensor that is normalised and activated on the
//! way in.
//!
//! The input is taken in chunks of a few channels. A chunk is normalised, activated and laid out
//! with its zero padding in the scratch memory; then what it contributes is added to the output,
//! which thereby holds partial sums until the last chunk. So every input is activated once, and the
//! chunk and its weights stay in the nearest cache meanwhile.
//!
//! A row of the output is one or more vectors, the last of which may be filled in part. Two vectors
//! at a time, of one row or of two, have their sums for [`TILE`](convolution) filters in registers
//! while the loop runs over a chunk's channels and taps.

use super::activation::Activation;
use super::norm::{Norm, map_row};
use super::simd::{Kernels, MAX_LANES, Simd, Task};
use core::marker::PhantomData;
use core::ops::Range;

/// The most filters that are computed together.
pub const MAX_TILE: usize = 12;

/// The numbers of one convolution.
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
    /// Channels of the input that are laid out at a time.
    pub chunk: usize,
}

impl Convolution {
    /// Rows of the output.
    pub const fn out_height(&self) -> usize {
        (self.height - 1) / self.stride + 1
    }

    /// Columns of the output.
    pub const fn out_width(&self) -> usize {
        (self.width - 1) / self.stride + 1
    }

    /// Elements of the packed weights: tiles of `tile` filters, in each (channel, row, column,
    /// filter), missing filters of the last tile zero.
    pub const fn weights_len(&self, tile: usize) -> usize {
        self.filters.div_ceil(tile) * tile * self.channels * self.taps()
    }

    /// Elements of scratch memory: the padded planes of a chunk. The last vector may read past
    /// them.
    pub const fn scratch_len(&self) -> usize {
        self.chunk * self.plane_len() + MAX_LANES
    }

    /// Weights of a filter for one channel.
    const fn taps(&self) -> usize {
        self.kernel * self.kernel
    }

    /// Columns of a padded row of which one tap of neighbouring outputs takes neighbours: every
    /// `stride`-th.
    const fn phase_len(&self) -> usize {
        (self.width + self.kernel - 1).div_ceil(self.stride)
    }

    /// The distance from row to row in the scratch memory. There the columns stand in order of
    /// their remainder by the stride.
    const fn pitch(&self) -> usize {
        self.stride * self.phase_len()
    }

    /// The distance from channel to channel in the scratch memory.
    pub const fn plane_len(&self) -> usize {
        (self.height + self.kernel - 1) * self.pitch()
    }
}

/// Computes `layer` with `TILE` filters at a time: `to` becomes the convolution of `F(norm(from))`.
///
/// # Panics
/// If a slice is shorter than `layer` says, or `TILE` is over [`MAX_TILE`].
pub fn convolution<F: Activation, const TILE: usize>(
    kernels: Kernels,
    layer: &Convolution,
    norm: Option<Norm<'_>>,
    weights: &[f32],
    from: &[f32],
    to: &mut [f32],
    scratch: &mut [f32],
) {
    const { assert!(TILE >= 1 && TILE <= MAX_TILE) }
    let planes = &mut scratch[..layer.scratch_len()];
    let task =
        Convolve::<F, TILE> { layer, norm, weights, from, to, planes, activation: PhantomData };
    kernels.for_rows_of(layer.out_width()).run(task);
}

struct Convolve<'a, F, const TILE: usize> {
    layer: &'a Convolution,
    norm: Option<Norm<'a>>,
    weights: &'a [f32],
    from: &'a [f32],
    to: &'a mut [f32],
    planes: &'a mut [f32],
    activation: PhantomData<F>,
}

impl<F: Activation, const TILE: usize> Task for Convolve<'_, F, TILE> {
    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let Convolution { channels, filters, chunk, .. } = *self.layer;
        let (taps, out_plane) =
            (self.layer.taps(), self.layer.out_height() * self.layer.out_width());
        self.clear_padding();
        for first in (0..channels).step_by(chunk) {
            let count = chunk.min(channels - first);
            self.lay_out(simd, first..first + count);
            let tiles = self.weights.chunks_exact(TILE * channels * taps);
            let outputs = self.to[..filters * out_plane].chunks_mut(TILE * out_plane);
            for (weights, to) in tiles.zip(outputs) {
                let weights = &weights[first * taps * TILE..][..count * taps * TILE];
                let tile = Tile::<TILE> {
                    layer: self.layer,
                    weights,
                    planes: self.planes,
                    to,
                    first: first == 0,
                };
                tile.add(simd);
            }
        }
    }
}

impl<F: Activation, const TILE: usize> Convolve<'_, F, TILE> {
    /// Zeros around the places of a chunk's planes, which later chunks find there too.
    #[inline(always)]
    fn clear_padding(&mut self) {
        let Convolution { height, width, kernel, stride, .. } = *self.layer;
        let (padding, pitch, phase_len) = (kernel / 2, self.layer.pitch(), self.layer.phase_len());
        for plane in self.planes.chunks_exact_mut(self.layer.plane_len()) {
            plane[..padding * pitch].fill(0.0);
            plane[(padding + height) * pitch..].fill(0.0);
            for column in (0..padding).chain(padding + width..pitch) {
                let column = column % stride * phase_len + column / stride;
                plane[padding * pitch..]
                    .iter_mut()
                    .skip(column)
                    .step_by(pitch)
                    .for_each(|x| *x = 0.0);
            }
        }
    }

    /// Normalises and activates some channels on the way to the scratch memory.
    #[inline(always)]
    fn lay_out<S: Simd>(&mut self, simd: S, channels: Range<usize>) {
        let layer = self.layer;
        let Convolution { height, width, stride, .. } = *layer;
        let (padding, pitch) = (layer.kernel / 2, layer.pitch());
        for (channel, plane) in channels.zip(self.planes.chunks_exact_mut(layer.plane_len())) {
            let norm = Norm::of(self.norm, channel);
            let from = self.from[channel * height * width..][..height * width].chunks_exact(width);
            for (from, to) in from.zip(plane[padding * pitch..].chunks_exact_mut(pitch)) {
                if stride == 1 {
                    map_row::<F, S>(simd, norm, from, &mut to[padding..padding + width]);
                } else {
                    map_to_phases::<F, S>(simd, norm, from, to, layer);
                }
            }
        }
    }
}

/// [`map_row`] for larger strides.
#[inline(always)]
fn map_to_phases<F: Activation, S: Simd>(
    simd: S,
    norm: (f32, f32),
    from: &[f32],
    to: &mut [f32],
    layer: &Convolution,
) {
    let (padding, stride) = (layer.kernel / 2, layer.stride);
    let (mut phase, mut column) = (padding % stride, padding / stride);
    let mut values = [0.0; MAX_LANES];
    for from in from.chunks(S::LANES) {
        let values = &mut values[..from.len()];
        map_row::<F, S>(simd, norm, from, values);
        for value in values {
            to[phase * layer.phase_len() + column] = *value;
            phase += 1;
            if phase == stride {
                (phase, column) = (0, column + 1);
            }
        }
    }
}

/// What a chunk of channels contributes to a tile of filters.
struct Tile<'a, const TILE: usize> {
    layer: &'a Convolution,
    /// Those of the tile and the chunk.
    weights: &'a [f32],
    planes: &'a [f32],
    /// The tile's planes; the last tile may have fewer than `TILE`.
    to: &'a mut [f32],
    /// Whether this is the first chunk.
    first: bool,
}

impl<const TILE: usize> Tile<'_, TILE> {
    /// All filters of the tile together, or, where there are too few registers for their sums, in
    /// two halves.
    #[inline(always)]
    fn add<S: Simd>(mut self, simd: S) {
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

/// Vectors in planes of the output, at the same places in each.
pub struct Planes<'a, const VECTORS: usize> {
    /// The planes from the first one on.
    pub values: &'a mut [f32],
    /// The distance from plane to plane.
    pub distance: usize,
    /// Where in a plane the vectors begin.
    pub places: [usize; VECTORS],
}

/// The taps of some channels.
pub struct Taps<'a> {
    /// A tile's weights, in each (channel, row, column, filter).
    pub weights: &'a [f32],
    /// The first filter of the tile that is meant.
    pub start: usize,
    /// Padded planes.
    pub planes: &'a [f32],
    /// Channels.
    pub channels: usize,
    /// Side of the square kernel.
    pub kernel: usize,
    /// The distance from channel to channel in the planes.
    pub plane_len: usize,
    /// The distance from row to row.
    pub pitch: usize,
    /// The distance from one column of the kernel to the next. Past the pitch they begin anew, one
    /// further.
    pub phase_len: usize,
}

impl Taps<'_> {
    /// See [`Simd::add_taps`].
    #[inline(always)]
    pub(super) fn add<S: Simd, const TILE: usize, const FILTERS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        from: [usize; VECTORS],
        mut sums: [[S::Vector; VECTORS]; FILTERS],
    ) -> [[S::Vector; VECTORS]; FILTERS] {
        let Taps { start, channels, kernel, plane_len, pitch, phase_len, .. } = *self;
        let mut taps = self.weights.chunks_exact(TILE);
        for channel in 0..channels {
            for row in 0..kernel {
                let line = &self.planes[channel * plane_len + row * pitch..];
                let (mut phase, mut column) = (0, 0);
                for weights in taps.by_ref().take(kernel) {
                    let mut x = [simd.splat(0.0); VECTORS];
                    for (x, from) in x.iter_mut().zip(&from) {
                        *x = simd.load(&line[*from + phase + column..]);
                    }
                    for (sums, weight) in sums.iter_mut().zip(&weights[start..start + FILTERS]) {
                        let weight = simd.splat(*weight);
                        for (sum, x) in sums.iter_mut().zip(&x) {
                            *sum = simd.mul_add(*x, weight, *sum);
                        }
                    }
                    phase += phase_len;
                    if phase == pitch {
                        (phase, column) = (0, column + 1);
                    }
                }
            }
        }
        sums
    }

    /// Checks that every tap of vectors of so many lanes lies in the slices.
    ///
    /// # Panics
    /// If one does not.
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
