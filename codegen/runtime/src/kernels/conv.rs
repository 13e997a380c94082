//! Convolution with "same" padding and no bias, of a tensor that is normalised and activated on the
//! way in.
//!
//! The input is processed in chunks of a few channels. A chunk is normalised, activated and written
//! with its zero padding to the scratch memory; then its contribution is added to the output, which
//! holds partial sums until the last chunk. So every input is activated once, and the chunk and its
//! weights stay in the nearest cache meanwhile.
//!
//! A row of the output is one or more vectors, the last of which may be filled in part. Two vectors
//! at a time, of one row or of two, have their sums for `TILE` filters in registers while the loop
//! runs over a chunk's channels and taps.

mod geometry;
mod tile;

pub use geometry::{Convolution, MAX_TILE};

use super::activation::Activation;
use super::dispatch::Kernels;
use super::norm::{Norm, map_row};
use super::simd::{MAX_LANES, Simd, Task};
use core::marker::PhantomData;
use core::ops::Range;
use tile::Tile;

/// Computes `layer` with `TILE` filters at a time: `to` becomes the convolution of `F(norm(from))`.
///
/// # Panics
/// Panics if a slice is shorter than `layer` says. `TILE` is at most [`MAX_TILE`].
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
    /// Zeroes the padding of a chunk's planes, which serves all chunks.
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

    /// Writes some channels to the scratch memory, normalised and activated.
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

/// Does what [`map_row`] does, for strides over 1: writes a row phase by phase.
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
