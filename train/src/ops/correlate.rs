//! The inner loop of convolution, forward and for the gradient of the input: computes one output
//! row from the input rows under the kernel.
#![allow(unsafe_code)] // Vectors are read through pointers; bounds are asserted once per row.

use super::blocks::LANES;
use super::simd::{Level, Vector, multiversion, prefetch};
use std::ops::Range;

/// Weights in the order in which [`correlate_row`] reads them: for each tile of output channels,
/// for each input channel, for each tap, one weight per output channel of the tile.
pub(super) struct Packed {
    data: Vec<f32>,
    out_channels: usize,
    in_channels: usize,
    kernel: usize,
    largest_tile: usize,
}

impl Packed {
    /// Packs the weights (out, in, kernel, kernel) of a convolution.
    pub(super) fn forward(level: Level, weight: &[f32], sizes: (usize, usize, usize)) -> Packed {
        let (_, in_channels, kernel) = sizes;
        let taps = kernel * kernel;
        Packed::new(level, sizes, |out, channel, tap| {
            weight[(out * in_channels + channel) * taps + tap]
        })
    }

    /// Packs the weights of the same convolution for the gradients of some of its input channels:
    /// transposed and flipped.
    pub(super) fn backward(
        level: Level,
        weight: &[f32],
        (out_channels, in_channels, kernel): (usize, usize, usize),
        inputs: Range<usize>,
    ) -> Packed {
        let taps = kernel * kernel;
        Packed::new(level, (inputs.len(), out_channels, kernel), |channel, out, tap| {
            weight[(out * in_channels + inputs.start + channel) * taps + (taps - 1 - tap)]
        })
    }

    /// Packs `weight(out, in, tap)` of a square kernel for one level.
    fn new(
        level: Level,
        (out_channels, in_channels, kernel): (usize, usize, usize),
        weight: impl Fn(usize, usize, usize) -> f32,
    ) -> Packed {
        let (taps, largest_tile) = (kernel * kernel, level.largest_tile());
        let mut data = Vec::with_capacity(out_channels * in_channels * taps);
        for (start, size) in tiles(out_channels, largest_tile) {
            for channel in 0..in_channels {
                for tap in 0..taps {
                    data.extend((start..start + size).map(|out| weight(out, channel, tap)));
                }
            }
        }
        Packed { data, out_channels, in_channels, kernel, largest_tile }
    }

    /// Returns the number of output channels.
    pub(super) fn out_channels(&self) -> usize {
        self.out_channels
    }
}

/// Splits `count` channels into as few tiles as possible, all of about the same size. Returns the
/// first channel and the size of each tile.
fn tiles(count: usize, largest: usize) -> impl Iterator<Item = (usize, usize)> {
    let tiles = count.div_ceil(largest);
    (0..tiles).map(move |i| (i * count / tiles, (i + 1) * count / tiles - i * count / tiles))
}

/// The input of one output row: for each channel, the input rows under the kernel.
#[derive(Clone, Copy)]
pub(super) struct Window<'a> {
    pub data: &'a [f32],
    /// Distance between channels.
    pub channel: usize,
    /// Start of each row under the kernel in a channel, from the top; rows include their padding.
    pub rows: &'a [usize],
    /// The convolution's stride.
    pub stride: usize,
    /// Lines that will be needed soon. They are prefetched into the cache while sums are computed,
    /// because the memory is idle then.
    pub prefetch: &'a [&'a [f32]],
}

multiversion! {
    /// Computes `out[o][x] = sum over channels c and taps (ky, kx) of weights[o][c][ky][kx] *
    /// window[c][ky][x * stride + kx]` for each lane of each pixel `x`; `out`: (out_channels,
    /// width, 16).
    pub(super) fn correlate_row(
        weights: &Packed,
        window: Window<'_>,
        out: &mut [f32],
    ) => correlate_row_generic::<V>;
}

#[inline(always)]
fn correlate_row_generic<V: Vector>(weights: &Packed, window: Window<'_>, out: &mut [f32]) {
    let line = out.len() / weights.out_channels;
    let width = line / LANES;
    assert!(width > 0 && line.is_multiple_of(LANES) && out.len() == line * weights.out_channels);
    assert!(window.rows.len() == weights.kernel);
    let last_row = window.rows.iter().copied().max().unwrap_or(0);
    let end = (weights.in_channels - 1) * window.channel
        + last_row
        + ((width - 1) * window.stride + weights.kernel) * LANES;
    assert!(end <= window.data.len(), "the window ends at {end} of {}", window.data.len());
    let taps = weights.kernel * weights.kernel;
    let mut packed = weights.data.as_slice();
    for (start, size) in tiles(weights.out_channels, weights.largest_tile) {
        let (now, rest) = packed.split_at(size * weights.in_channels * taps);
        packed = rest;
        let out = &mut out[start * line..][..size * line];
        let tile =
            Tile { window, weights: now, channels: weights.in_channels, kernel: weights.kernel };
        match size {
            1 => tile.row::<V, 1>(out),
            2 => tile.row::<V, 2>(out),
            3 => tile.row::<V, 3>(out),
            4 => tile.row::<V, 4>(out),
            5 => tile.row::<V, 5>(out),
            6 => tile.row::<V, 6>(out),
            7 => tile.row::<V, 7>(out),
            8 => tile.row::<V, 8>(out),
            9 => tile.row::<V, 9>(out),
            10 => tile.row::<V, 10>(out),
            11 => tile.row::<V, 11>(out),
            12 => tile.row::<V, 12>(out),
            _ => unreachable!("tiles have at most 12 channels"),
        }
    }
}

/// One tile of output channels.
struct Tile<'a> {
    window: Window<'a>,
    weights: &'a [f32],
    channels: usize,
    kernel: usize,
}

impl Tile<'_> {
    /// Computes all vectors of a row, as many at a time as fit the registers.
    #[inline(always)]
    fn row<V: Vector, const OUT: usize>(&self, out: &mut [f32]) {
        let vectors = out.len() / OUT / V::LANES;
        let mut done = 0;
        // The registers hold the sums, the pixels and one factor.
        if OUT * 4 + 5 <= V::REGISTERS {
            while done + 4 <= vectors {
                self.vectors::<V, OUT, 4>(done, out);
                done += 4;
            }
        }
        if OUT * 2 + 3 <= V::REGISTERS {
            while done + 2 <= vectors {
                self.vectors::<V, OUT, 2>(done, out);
                done += 2;
            }
        }
        while done < vectors {
            self.vectors::<V, OUT, 1>(done, out);
            done += 1;
        }
    }

    /// Computes `N` neighbouring vectors of a row, from the `first` on.
    #[inline(always)]
    fn vectors<V: Vector, const OUT: usize, const N: usize>(&self, first: usize, out: &mut [f32]) {
        let line = out.len() / OUT;
        let per_pixel = LANES / V::LANES;
        let mut from = [0; N];
        for (n, from) in from.iter_mut().enumerate() {
            let vector = first + n;
            *from = vector / per_pixel * self.window.stride * LANES + vector % per_pixel * V::LANES;
        }
        let mut sums = [[V::splat(0.0); N]; OUT];
        let mut weight = self.weights.as_ptr();
        for channel in 0..self.channels {
            for line in self.window.prefetch.iter().skip(channel).step_by(self.channels) {
                (0..N).for_each(|n| prefetch(line.as_ptr().wrapping_add((first + n) * V::LANES)));
            }
            for row in self.window.rows {
                for kx in 0..self.kernel {
                    // SAFETY: `correlate_row` has asserted that the last tap of the last pixel of
                    // the last channel lies inside; `weight` advances by OUT for each of channels *
                    // kernel * kernel, which is how many there are.
                    unsafe {
                        let at = self
                            .window
                            .data
                            .as_ptr()
                            .add(channel * self.window.channel + row + kx * LANES);
                        let mut pixels = [V::splat(0.0); N];
                        for (pixel, from) in pixels.iter_mut().zip(from) {
                            *pixel = V::load(at.add(from));
                        }
                        for sum in &mut sums {
                            let factor = V::splat(*weight);
                            weight = weight.add(1);
                            for (lane, pixel) in sum.iter_mut().zip(pixels) {
                                *lane = factor.mul_add(pixel, *lane);
                            }
                        }
                    }
                }
            }
        }
        for (o, sum) in sums.iter().enumerate() {
            for (n, lane) in sum.iter().enumerate() {
                // SAFETY: first + N <= vectors, so this ends inside line `o` of `out`, which has
                // OUT lines.
                unsafe { lane.store(out.as_mut_ptr().add(o * line + (first + n) * V::LANES)) };
            }
        }
    }
}
