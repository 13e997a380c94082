//! Convolution with "same" padding and no bias, of a tensor that is normalised and activated on the
//! way in.
//!
//! The output is computed in bands of rows, and a band's input in chunks of channels. A chunk is
//! normalised, activated and written with its zero padding to the scratch memory; then its
//! contribution is added to the output, which holds partial sums until the last chunk. So the chunk
//! and its weights stay in the nearest cache meanwhile, and an input is activated once, or twice if
//! two bands read it.
//!
//! A row of the output is one or more vectors, the last of which may be filled in part; if planes
//! are flat, only the last vector of a band may be. Two or three vectors at a time have their sums
//! for `TILE` filters in registers while the loop runs over a chunk's channels and taps.

mod geometry;
mod planes;
mod tile;

pub use geometry::{Convolution, MAX_TILE};

use super::activation::Activation;
use super::dispatch::Kernels;
use super::norm::{Norm, map_rows};
use super::simd::{Simd, Task};
use super::taps::Taps;
use core::marker::PhantomData;
use planes::{Input, LayOut};
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
    let rows = if layer.is_flat() { layer.band } else { 1 };
    kernels.for_rows_of(rows * layer.out_width()).run(task);
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
    fn run<S: Simd>(self, simd: S) {
        let Convolve { layer, norm, weights, from, to, planes, .. } = self;
        let Convolution { channels, filters, chunk, band, .. } = *layer;
        let (taps, out_height) = (layer.taps(), layer.out_height());
        let out_plane = out_height * layer.out_width();
        let input = Input { layer, norm, from };
        input.clear_padding(planes);
        let (kernel, plane_len) = (layer.kernel, layer.plane_len());
        let (row_offsets, columns) = (layer.row_offsets(), layer.column_offsets());
        for start in (0..out_height).step_by(band) {
            let rows = start..out_height.min(start + band);
            for first in (0..channels).step_by(chunk) {
                let count = chunk.min(channels - first);
                simd.run(LayOut {
                    input: &input,
                    map: map_rows::<F, S>,
                    simd,
                    channels: first..first + count,
                    band: rows.clone(),
                    planes: &mut *planes,
                });
                let tiles = weights.chunks_exact(TILE * channels * taps);
                let outputs = to[..filters * out_plane].chunks_mut(TILE * out_plane);
                for (weights, to) in tiles.zip(outputs) {
                    let weights = &weights[first * taps * TILE..][..count * taps * TILE];
                    let taps = Taps {
                        weights,
                        tile: TILE,
                        start: 0,
                        planes,
                        channels: count,
                        kernel,
                        plane_len,
                        rows: row_offsets,
                        columns,
                    };
                    Tile::new(layer, taps, to, &rows, first == 0).add::<S, TILE>(simd);
                }
            }
        }
    }
}
