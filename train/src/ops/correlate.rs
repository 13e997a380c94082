//! The two inner loops of convolution over flat padded planes: correlation (forward pass and input gradient are both
//! one) and weight gradient.
#![allow(unsafe_code)] // Tiles of vectors over pointers: bounds are asserted once per call, not per element.

use super::pad::Plane;
use super::simd::{Vector, multiversion};

/// Output channels are computed in tiles of these sizes, the largest that fits first.
const TILES: [usize; 5] = [12, 8, 4, 2, 1];

/// Weights in the order in which [`correlate`] reads them: for each tile of output channels, for each input channel, for
/// each tap, one weight per output channel of the tile.
pub(super) struct Packed {
    data: Vec<f32>,
    out_channels: usize,
    in_channels: usize,
}

impl Packed {
    /// Packs `weight(out, in, tap)`.
    pub(super) fn new(
        (out_channels, in_channels, taps): (usize, usize, usize),
        weight: impl Fn(usize, usize, usize) -> f32,
    ) -> Packed {
        let mut data = Vec::with_capacity(out_channels * in_channels * taps);
        for (start, size) in tiles(out_channels) {
            for channel in 0..in_channels {
                for tap in 0..taps {
                    data.extend((start..start + size).map(|out| weight(out, channel, tap)));
                }
            }
        }
        Packed { data, out_channels, in_channels }
    }
}

/// Cuts `count` channels into tiles: (first channel, size).
fn tiles(count: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let size = TILES.into_iter().find(|size| *size <= count - start)?;
        start += size;
        Some((start - size, size))
    })
}

multiversion! {
    /// `out[o][i] = sum over channels c and taps t of weights[o][c][t] * input[c][i + offset(t)]` for all positions `i`.
    ///
    /// `input`: padded planes of all input channels; `out`: flat planes of all output channels.
    pub(super) fn correlate(plane: Plane, weights: &Packed, input: &[f32], out: &mut [f32]) => correlate_generic::<V>;
}

#[inline(always)]
fn correlate_generic<V: Vector>(plane: Plane, weights: &Packed, input: &[f32], out: &mut [f32]) {
    assert_eq!(input.len(), weights.in_channels * plane.elements());
    assert_eq!(out.len(), weights.out_channels * plane.positions());
    let taps: Vec<usize> =
        (0..plane.kernel * plane.kernel).map(|t| t / plane.kernel * plane.pitch + t % plane.kernel).collect();
    assert_eq!(weights.data.len(), weights.out_channels * weights.in_channels * taps.len());
    for (start, size) in tiles(weights.out_channels) {
        let packed = &weights.data[start * weights.in_channels * taps.len()..];
        let out = &mut out[start * plane.positions()..][..size * plane.positions()];
        match size {
            12 => tile_rows::<V, 12>(plane, &taps, packed, input, out),
            8 => tile_rows::<V, 8>(plane, &taps, packed, input, out),
            4 => tile_rows::<V, 4>(plane, &taps, packed, input, out),
            2 => tile_rows::<V, 2>(plane, &taps, packed, input, out),
            _ => tile_rows::<V, 1>(plane, &taps, packed, input, out),
        }
    }
}

/// One tile of `OUT` output channels over all positions, two vectors at a time where registers allow it.
#[inline(always)]
fn tile_rows<V: Vector, const OUT: usize>(
    plane: Plane,
    taps: &[usize],
    packed: &[f32],
    input: &[f32],
    out: &mut [f32],
) {
    // AVX2 has 16 registers: 12 accumulators of one vector; AVX-512 has 32: 12 of two.
    if OUT < 12 || V::LANES == 16 {
        tile::<V, OUT, 2>(plane, taps, packed, input, out);
    } else {
        tile::<V, OUT, 1>(plane, taps, packed, input, out);
    }
}

#[inline(always)]
fn tile<V: Vector, const OUT: usize, const VECTORS: usize>(
    plane: Plane,
    taps: &[usize],
    packed: &[f32],
    input: &[f32],
    out: &mut [f32],
) {
    let (positions, plane_elements) = (plane.positions(), plane.elements());
    let channels = input.len() / plane_elements;
    for i in (0..positions).step_by(V::LANES * VECTORS) {
        let mut sums = [[V::splat(0.0); VECTORS]; OUT];
        let mut weight = packed.as_ptr();
        for channel in 0..channels {
            for tap in taps {
                // SAFETY: i + LANES * VECTORS <= positions (positions is a multiple of 32 >= LANES * VECTORS) and every tap's
                // offset is below elements - positions, so loads end within the channel's plane; `weight` advances by OUT for
                // each of channels * taps, and the caller passes at least that many packed weights.
                unsafe {
                    let at = input.as_ptr().add(channel * plane_elements + i + tap);
                    let mut pixels = [V::splat(0.0); VECTORS];
                    for (v, pixel) in pixels.iter_mut().enumerate() {
                        *pixel = V::load(at.add(v * V::LANES));
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
        for (o, sum) in sums.iter().enumerate() {
            for (v, lane) in sum.iter().enumerate() {
                // SAFETY: as above, i + LANES * VECTORS <= positions, and `out` has OUT planes of `positions`.
                unsafe { lane.store(out.as_mut_ptr().add(o * positions + i + v * V::LANES)) };
            }
        }
    }
}

multiversion! {
    /// Adds the weight gradient of some images: `gradient[o][c][t] += sum over images and positions i of
    /// out_gradient[o][i] * input[c][i + offset(t)]`.
    ///
    /// `input`: for each image, padded planes; `out_gradient`: for each image, flat planes that are zero outside the rows;
    /// `gradient`: OIHW.
    pub(super) fn weight_gradient(
        plane: Plane,
        channels: (usize, usize),
        input: &[f32],
        out_gradient: &[f32],
        gradient: &mut [f32],
    ) => weight_gradient_generic::<V>;
}

/// Output channels whose weight gradients are summed together.
const GRADIENT_TILE: usize = 4;

#[inline(always)]
fn weight_gradient_generic<V: Vector>(
    plane: Plane,
    (out_channels, in_channels): (usize, usize),
    input: &[f32],
    out_gradient: &[f32],
    gradient: &mut [f32],
) {
    let images = out_gradient.len() / (out_channels * plane.positions());
    assert_eq!(out_gradient.len(), images * out_channels * plane.positions());
    assert_eq!(input.len(), images * in_channels * plane.elements());
    assert_eq!(gradient.len(), out_channels * in_channels * plane.kernel * plane.kernel);
    let mut start = 0;
    while start < out_channels {
        let size = if out_channels - start >= GRADIENT_TILE { GRADIENT_TILE } else { 1 };
        for channel in 0..in_channels {
            for ky in 0..plane.kernel {
                let mut place = Place { plane, out_channels, in_channels, out: start, channel, ky, kx: 0 };
                match (size, plane.kernel) {
                    (GRADIENT_TILE, 3) => place.add::<V, GRADIENT_TILE, 3>(input, out_gradient, gradient),
                    (GRADIENT_TILE, 5) => place.add::<V, GRADIENT_TILE, 5>(input, out_gradient, gradient),
                    (_, 3) => place.add::<V, 1, 3>(input, out_gradient, gradient),
                    (_, 5) => place.add::<V, 1, 5>(input, out_gradient, gradient),
                    (GRADIENT_TILE, _) => {
                        for kx in 0..plane.kernel {
                            place.kx = kx;
                            place.add::<V, GRADIENT_TILE, 1>(input, out_gradient, gradient);
                        }
                    }
                    (_, _) => {
                        for kx in 0..plane.kernel {
                            place.kx = kx;
                            place.add::<V, 1, 1>(input, out_gradient, gradient);
                        }
                    }
                }
            }
        }
        start += size;
    }
}

/// Which weights a tile of the weight gradient is about: output channels from `out`, one input channel, one kernel row,
/// columns from `kx`.
struct Place {
    plane: Plane,
    out_channels: usize,
    in_channels: usize,
    out: usize,
    channel: usize,
    ky: usize,
    kx: usize,
}

impl Place {
    #[inline(always)]
    fn add<V: Vector, const OUT: usize, const KX: usize>(
        &self,
        input: &[f32],
        out_gradient: &[f32],
        gradient: &mut [f32],
    ) {
        let (positions, elements) = (self.plane.positions(), self.plane.elements());
        let images = out_gradient.len() / (self.out_channels * positions);
        let mut sums = [[V::splat(0.0); KX]; OUT];
        for image in 0..images {
            let dy = out_gradient[(image * self.out_channels + self.out) * positions..][..OUT * positions].as_ptr();
            let tap = self.ky * self.plane.pitch + self.kx;
            let x = input[(image * self.in_channels + self.channel) * elements..][..elements][tap..].as_ptr();
            for i in (0..positions).step_by(V::LANES) {
                // SAFETY: i + LANES <= positions; kx + KX <= kernel, so every load of `x` ends at most at
                // positions + (kernel - 1) * (pitch + 1), the plane's end; `dy` has OUT planes of `positions`.
                unsafe {
                    let mut pixels = [V::splat(0.0); KX];
                    for (k, pixel) in pixels.iter_mut().enumerate() {
                        *pixel = V::load(x.add(i + k));
                    }
                    for (o, sum) in sums.iter_mut().enumerate() {
                        let slope = V::load(dy.add(o * positions + i));
                        for (lane, pixel) in sum.iter_mut().zip(pixels) {
                            *lane = slope.mul_add(pixel, *lane);
                        }
                    }
                }
            }
        }
        let kernel = self.plane.kernel;
        for (o, sum) in sums.iter().enumerate() {
            let row = (((self.out + o) * self.in_channels + self.channel) * kernel + self.ky) * kernel + self.kx;
            for (slot, lane) in gradient[row..][..KX].iter_mut().zip(sum) {
                *slot += lane.sum();
            }
        }
    }
}
