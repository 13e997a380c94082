//! The inner loop of the weight gradient of a convolution: sums of products of input and output
//! gradient.
#![allow(unsafe_code)] // Vectors are read through pointers; bounds are asserted once per call.

use super::blocks::LANES;
use super::simd::{Vector, multiversion};

/// Rows of some channels: (channels, rows, line), with the distances between them.
#[derive(Clone, Copy)]
pub(super) struct Planes<'a> {
    pub data: &'a [f32],
    pub channels: usize,
    /// Distance between channels.
    pub channel: usize,
    /// Distance between rows.
    pub row: usize,
}

/// The operands of the weight gradient: some rows of one block.
#[derive(Clone, Copy)]
pub(super) struct GradientOperands<'a> {
    /// The convolution's input, without padding.
    pub input: Planes<'a>,
    /// The gradient of its output, padded by `kernel / 2` on all sides.
    pub grad_output: Planes<'a>,
    pub kernel: usize,
    pub rows: usize,
    pub width: usize,
    /// Distance between output channels in the result.
    pub out: usize,
}

multiversion! {
    /// Adds to `gradient[o * out + c * kernel^2 + ky * kernel + kx]` the sum over rows, pixels and
    /// lanes of `input[c][y][x] * grad_output[o][y + kernel - 1 - ky][x + kernel - 1 - kx]`.
    pub(super) fn add_weight_gradient(
        operands: GradientOperands<'_>,
        gradient: &mut [f32],
    ) => add_weight_gradient_generic::<V>;
}

#[inline(always)]
fn add_weight_gradient_generic<V: Vector>(operands: GradientOperands<'_>, gradient: &mut [f32]) {
    let GradientOperands { input, grad_output, kernel, rows, width, out } = operands;
    let margin = kernel - 1;
    let end = |planes: Planes, rows: usize, width: usize| {
        (planes.channels - 1) * planes.channel + (rows - 1) * planes.row + width * LANES
    };
    assert!(rows > 0 && width > 0 && end(input, rows, width) <= input.data.len());
    assert!(end(grad_output, rows + margin, width + margin) <= grad_output.data.len());
    assert!((grad_output.channels - 1) * out + input.channels * kernel * kernel <= gradient.len());
    // The registers hold the sums and the vectors of both operands.
    if V::REGISTERS >= 32 {
        operands.tiles::<V, 3, 6>(gradient);
    } else if V::REGISTERS >= 16 {
        operands.tiles::<V, 4, 3>(gradient);
    } else {
        operands.tiles::<V, 2, 2>(gradient);
    }
}

impl GradientOperands<'_> {
    /// Computes tiles of `I` input channels by `S` taps of output channels.
    #[inline(always)]
    fn tiles<V: Vector, const I: usize, const S: usize>(&self, gradient: &mut [f32]) {
        let taps = self.kernel * self.kernel;
        let all_taps = self.grad_output.channels * taps;
        for first_channel in (0..self.input.channels).step_by(I) {
            // A tile beyond the end computes the last channel or tap again and discards it.
            let mut channels = [self.input.channels - 1; I];
            channels.iter_mut().enumerate().for_each(|(i, c)| *c = (*c).min(first_channel + i));
            for first_tap in (0..all_taps).step_by(S) {
                let mut offsets = [0; S];
                for (s, offset) in offsets.iter_mut().enumerate() {
                    *offset = self.grad_offset((first_tap + s).min(all_taps - 1));
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

    /// Returns where the output gradients of one tap of one output channel begin.
    #[inline(always)]
    fn grad_offset(&self, tap: usize) -> usize {
        let taps = self.kernel * self.kernel;
        let (out, ky, kx) = (tap / taps, tap % taps / self.kernel, tap % self.kernel);
        out * self.grad_output.channel
            + (self.kernel - 1 - ky) * self.grad_output.row
            + (self.kernel - 1 - kx) * LANES
    }

    #[inline(always)]
    fn tile<V: Vector, const I: usize, const S: usize>(
        &self,
        inputs: [usize; I],
        grads: [usize; S],
    ) -> [[f32; S]; I] {
        let mut sums = [[V::splat(0.0); S]; I];
        for y in 0..self.rows {
            let mut x = 0;
            while x < self.width * LANES {
                // SAFETY: `add_weight_gradient` has asserted that the last rows of the last
                // channels lie inside, those of the output gradient with every tap's shift; x +
                // LANES <= width * 16 as 16 is a multiple of the vector's length.
                unsafe {
                    let mut pixels = [V::splat(0.0); I];
                    for (pixel, start) in pixels.iter_mut().zip(inputs) {
                        *pixel =
                            V::load(self.input.data.as_ptr().add(start + y * self.input.row + x));
                    }
                    for (s, start) in grads.iter().enumerate() {
                        let grad_output = V::load(
                            self.grad_output
                                .data
                                .as_ptr()
                                .add(start + y * self.grad_output.row + x),
                        );
                        for (sums, pixel) in sums.iter_mut().zip(pixels) {
                            sums[s] = pixel.mul_add(grad_output, sums[s]);
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
