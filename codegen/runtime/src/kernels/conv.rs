//! Convolution with "same" padding and no bias, of a tensor that is normalised and activated on the way in.
//!
//! The output is made in bands of a few rows. For each band, the input rows that it needs are normalised, activated and
//! laid out with their zero padding in the scratch memory. There a tap of the kernel is a constant distance, even from
//! one row to the next, so that a strip of positions is a single vector whatever the width of the image; the positions
//! in the padding are computed too, and dropped. The sums of a strip for [`TILE`](convolution) filters stay in
//! registers while the loop runs over all channels and taps.

use super::activation::Activation;
use super::norm::{Norm, map_channel};
use super::simd::{Kernels, MAX_WIDTH, Simd, Task};
use core::marker::PhantomData;

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
    /// Rows of the output that are made at a time.
    pub band: usize,
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

    /// Elements of the packed weights: tiles of `tile` filters, in each (channel, row, column, filter), missing filters
    /// of the last tile zero.
    pub const fn weights_len(&self, tile: usize) -> usize {
        self.filters.div_ceil(tile) * tile * self.channels * self.kernel * self.kernel
    }

    /// Elements of scratch memory: the padded rows, and the sums of a tile.
    pub const fn scratch_len(&self, tile: usize) -> usize {
        self.planes_len() + self.sums_len(tile)
    }

    /// Columns with padding: the distance from row to row in the scratch memory.
    const fn padded_width(&self) -> usize {
        self.width + self.kernel - 1
    }

    /// Input rows that a band needs.
    const fn band_rows(&self) -> usize {
        (self.band - 1) * self.stride + self.kernel
    }

    /// The distance from channel to channel in the scratch memory.
    const fn plane_len(&self) -> usize {
        self.band_rows() * self.padded_width()
    }

    /// The last strip may read past the last channel.
    const fn planes_len(&self) -> usize {
        self.channels * self.plane_len() + MAX_WIDTH
    }

    /// Positions computed in one go, and how often, for some rows of the output: with stride 1 all rows are one run,
    /// since the next row begins where the padding ends. With larger strides every row is a run, of which some are kept.
    const fn runs(&self, rows: usize) -> (usize, usize) {
        if self.stride == 1 {
            ((rows - 1) * self.padded_width() + self.width, 1)
        } else {
            ((self.out_width() - 1) * self.stride + 1, rows)
        }
    }

    /// The distance from row to row in the sums.
    const fn sums_pitch(&self) -> usize {
        if self.stride == 1 { self.padded_width() } else { self.runs(1).0.next_multiple_of(MAX_WIDTH) }
    }

    /// The distance from filter to filter in the sums.
    const fn sums_plane(&self) -> usize {
        let (run, count) = self.runs(self.band);
        run.next_multiple_of(MAX_WIDTH) * count
    }

    /// Before the sums, their memory holds a channel's activated rows.
    const fn sums_len(&self, tile: usize) -> usize {
        let (sums, rows) = (tile * self.sums_plane(), self.band_rows() * self.width);
        if sums > rows { sums } else { rows }
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
    let (planes, sums) = scratch.split_at_mut(layer.planes_len());
    for first_row in (0..layer.out_height()).step_by(layer.band) {
        kernels.run(FillBand::<F> { layer, norm, from, first_row, planes, rows: sums, activation: PhantomData });
        kernels.run(ConvolveBand::<TILE> { layer, weights, first_row, planes, sums, to });
    }
}

/// Lays out the padded and activated input rows for the output rows from `first_row` on.
struct FillBand<'a, F> {
    layer: &'a Convolution,
    norm: Option<Norm<'a>>,
    from: &'a [f32],
    first_row: usize,
    planes: &'a mut [f32],
    rows: &'a mut [f32],
    activation: PhantomData<F>,
}

impl<F: Activation> Task for FillBand<'_, F> {
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Convolution { channels, height, width, kernel, stride, .. } = *self.layer;
        let (pitch, band_rows, padding) = (self.layer.padded_width(), self.layer.band_rows(), kernel / 2);
        // Rows that the band before this one has left at its end.
        let kept = if self.first_row == 0 { 0 } else { kernel.saturating_sub(stride) };
        // The rows to lay out, counted in the padded image; how many of them are above it; which of it they are.
        let (top, bottom) = (self.first_row * stride + kept, self.first_row * stride + band_rows);
        let above = padding.saturating_sub(top);
        let (first, last) = (top.saturating_sub(padding).min(height), (bottom - padding).min(height));
        let read = first * width..last * width;
        let planes = self.planes.chunks_exact_mut(self.layer.plane_len());
        for (channel, (from, plane)) in self.from.chunks_exact(height * width).take(channels).zip(planes).enumerate() {
            plane.copy_within(plane.len() - kept * pitch.., 0);
            let rows = &mut self.rows[..read.len()];
            map_channel::<F>(Norm::of(self.norm, channel), &from[read.clone()], rows);
            let (zeros_above, rest) = plane[kept * pitch..].split_at_mut(above * pitch);
            let (image, zeros_below) = rest.split_at_mut((last - first) * pitch);
            zeros_above.fill(0.0);
            zeros_below.fill(0.0);
            for (padded, row) in image.chunks_exact_mut(pitch).zip(rows.chunks_exact(width)) {
                padded[..padding].fill(0.0);
                padded[padding..padding + width].copy_from_slice(row);
                padded[padding + width..].fill(0.0);
            }
        }
    }
}

/// Computes the output rows from `first_row` on from their laid out input rows.
struct ConvolveBand<'a, const TILE: usize> {
    layer: &'a Convolution,
    weights: &'a [f32],
    first_row: usize,
    planes: &'a [f32],
    sums: &'a mut [f32],
    to: &'a mut [f32],
}

impl<const TILE: usize> Task for ConvolveBand<'_, TILE> {
    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let layer = self.layer;
        let rows = layer.band.min(layer.out_height() - self.first_row);
        let (run_len, runs) = layer.runs(rows);
        let tiles = self.weights.chunks_exact(TILE * layer.channels * layer.kernel * layer.kernel);
        for (tile, weights) in tiles.enumerate() {
            for run in 0..runs {
                for at in (0..run_len).step_by(S::WIDTH) {
                    let from = run * layer.stride * layer.padded_width() + at;
                    let strips: [S::Strip; TILE] = convolve_strip(simd, layer, weights, &self.planes[from..]);
                    let to = run * layer.sums_pitch() + at;
                    for (filter, strip) in strips.into_iter().enumerate() {
                        simd.store(strip, &mut self.sums[filter * layer.sums_plane() + to..]);
                    }
                }
            }
            self.keep_image(tile * TILE, rows);
        }
    }
}

impl<const TILE: usize> ConvolveBand<'_, TILE> {
    /// Copies some rows of sums of the filters from `first_filter` on to the output, without positions in the padding.
    #[inline(always)]
    fn keep_image(&mut self, first_filter: usize, rows: usize) {
        let (layer, height, width) = (self.layer, self.layer.out_height(), self.layer.out_width());
        let filters = TILE.min(layer.filters - first_filter);
        for filter in 0..filters {
            let to = &mut self.to[((first_filter + filter) * height + self.first_row) * width..][..rows * width];
            let sums = self.sums[filter * layer.sums_plane()..].chunks(layer.sums_pitch());
            for (to, sums) in to.chunks_exact_mut(width).zip(sums) {
                if layer.stride == 1 {
                    to.copy_from_slice(&sums[..width]);
                } else {
                    to.iter_mut().zip(sums.iter().step_by(layer.stride)).for_each(|(to, sum)| *to = *sum);
                }
            }
        }
    }
}

/// The sums of one tile of filters for a strip of positions that starts where `planes` does.
#[inline(always)]
fn convolve_strip<S: Simd, const TILE: usize>(
    simd: S,
    layer: &Convolution,
    weights: &[f32],
    planes: &[f32],
) -> [S::Strip; TILE] {
    let (kernel, pitch, plane) = (layer.kernel, layer.padded_width(), layer.plane_len());
    let mut sums = [simd.zero(); TILE];
    let mut taps = weights.chunks_exact(TILE);
    for channel in 0..layer.channels {
        for row in 0..kernel {
            let values = &planes[channel * plane + row * pitch..][..kernel - 1 + S::WIDTH];
            for (column, weights) in taps.by_ref().take(kernel).enumerate() {
                let x = simd.load(&values[column..]);
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum = simd.mul_add(*sum, x, *weight);
                }
            }
        }
    }
    sums
}
