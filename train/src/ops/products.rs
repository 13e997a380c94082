//! The inner loop of the weight gradient: sums of products of planes.
#![allow(unsafe_code)] // Tiles of vectors over pointers: bounds are asserted once per call, not per element.

use super::blocks::LANES;
use super::simd::{Vector, multiversion};

/// Rows of some channels: (channels, rows, line), each with its own distances.
#[derive(Clone, Copy)]
pub(super) struct Planes<'a> {
    pub data: &'a [f32],
    pub channels: usize,
    /// Distance between channels.
    pub channel: usize,
    /// Distance between rows.
    pub row: usize,
}

/// What the weight gradient of a convolution is taken over: some rows of one block.
#[derive(Clone, Copy)]
pub(super) struct Products<'a> {
    /// The convolution's input, without padding.
    pub input: Planes<'a>,
    /// The gradient of its output, with the same padding around it as the input would need.
    pub slope: Planes<'a>,
    pub kernel: usize,
    pub rows: usize,
    pub width: usize,
    /// Distance between output channels in the result.
    pub out: usize,
}

multiversion! {
    /// Adds to `gradient[o * out + c * kernel^2 + ky * kernel + kx]` the sum over rows, pixels and
    /// lanes of `input[c][y][x] * slope[o][y + kernel - 1 - ky][x + kernel - 1 - kx]`.
    pub(super) fn add_products(products: Products<'_>, gradient: &mut [f32]) => add_products_generic::<V>;
}

#[inline(always)]
fn add_products_generic<V: Vector>(products: Products<'_>, gradient: &mut [f32]) {
    let Products { input, slope, kernel, rows, width, out } = products;
    let margin = kernel - 1;
    let end = |planes: Planes, rows: usize, width: usize| {
        (planes.channels - 1) * planes.channel + (rows - 1) * planes.row + width * LANES
    };
    assert!(rows > 0 && width > 0 && end(input, rows, width) <= input.data.len());
    assert!(end(slope, rows + margin, width + margin) <= slope.data.len());
    assert!((slope.channels - 1) * out + input.channels * kernel * kernel <= gradient.len());
    // The sums and the vectors of both sides share the registers.
    if V::REGISTERS >= 32 {
        products.tiles::<V, 3, 6>(gradient);
    } else if V::REGISTERS >= 16 {
        products.tiles::<V, 4, 3>(gradient);
    } else {
        products.tiles::<V, 2, 2>(gradient);
    }
}

impl Products<'_> {
    /// Tiles of `I` input channels by `S` taps of output channels.
    #[inline(always)]
    fn tiles<V: Vector, const I: usize, const S: usize>(&self, gradient: &mut [f32]) {
        let taps = self.kernel * self.kernel;
        let all_taps = self.slope.channels * taps;
        for first_channel in (0..self.input.channels).step_by(I) {
            // A tile that sticks out computes the last channel or tap again and throws that away.
            let mut channels = [self.input.channels - 1; I];
            channels.iter_mut().enumerate().for_each(|(i, c)| *c = (*c).min(first_channel + i));
            for first_tap in (0..all_taps).step_by(S) {
                let mut offsets = [0; S];
                for (s, offset) in offsets.iter_mut().enumerate() {
                    *offset = self.slope_offset((first_tap + s).min(all_taps - 1));
                }
                let sums = self.tile::<V, I, S>(channels.map(|c| c * self.input.channel), offsets);
                for (i, sums) in sums.iter().enumerate().take(self.input.channels - first_channel) {
                    for (s, sum) in sums.iter().enumerate().take(all_taps - first_tap) {
                        let (out, tap) = ((first_tap + s) / taps, (first_tap + s) % taps);
                        gradient[out * self.out + (first_channel + i) * taps + tap] += sum;
                    }
                }
            }
        }
    }

    /// Where the slopes of one tap of one output channel begin.
    #[inline(always)]
    fn slope_offset(&self, tap: usize) -> usize {
        let taps = self.kernel * self.kernel;
        let (out, ky, kx) = (tap / taps, tap % taps / self.kernel, tap % self.kernel);
        out * self.slope.channel
            + (self.kernel - 1 - ky) * self.slope.row
            + (self.kernel - 1 - kx) * LANES
    }

    #[inline(always)]
    fn tile<V: Vector, const I: usize, const S: usize>(
        &self,
        inputs: [usize; I],
        slopes: [usize; S],
    ) -> [[f32; S]; I] {
        let mut sums = [[V::splat(0.0); S]; I];
        for y in 0..self.rows {
            let mut x = 0;
            while x < self.width * LANES {
                // SAFETY: `add_products` has asserted that the last rows of the last channels lie
                // inside, for the slopes with every tap's shift; x + LANES <= width * 16 as 16 is a
                // multiple of the vector's length.
                unsafe {
                    let mut pixels = [V::splat(0.0); I];
                    for (pixel, start) in pixels.iter_mut().zip(inputs) {
                        *pixel =
                            V::load(self.input.data.as_ptr().add(start + y * self.input.row + x));
                    }
                    for (s, start) in slopes.iter().enumerate() {
                        let slope =
                            V::load(self.slope.data.as_ptr().add(start + y * self.slope.row + x));
                        for (sums, pixel) in sums.iter_mut().zip(pixels) {
                            sums[s] = pixel.mul_add(slope, sums[s]);
                        }
                    }
                }
                x += V::LANES;
            }
        }
        let mut result = [[0.0; S]; I];
        for (to, from) in result.iter_mut().zip(&sums) {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = from.sum());
        }
        result
    }
}
