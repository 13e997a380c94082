//! Convolution with "same" padding and no bias, forward and both gradients.

use super::blocks::Blocks;
use super::correlate::{Packed, correlate_row};
use super::scratch::{Padded, bands};
use super::simd::Level;
use super::storage::{add_up, elements, with_elements};
use super::weight_gradient::{GradientOperands, Planes, add_weight_gradient};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

/// Output rows of one task forward, input rows of one task backward.
const BAND: usize = 8;

/// A convolution of a batch in blocks with weights (out, in, kernel, kernel); `kernel` is odd, the
/// padding `kernel / 2`, the output `ceil(height / stride)` x `ceil(width / stride)`.
#[derive(Clone, Copy, Debug)]
pub struct Conv2d {
    /// Images of the batch.
    pub images: usize,
    /// Stride in both directions.
    pub stride: usize,
    /// The instruction set of the kernels.
    pub level: Level,
}

/// Sizes of one call.
#[derive(Clone, Copy)]
struct Sizes {
    input: Blocks,
    output: Blocks,
    kernel: usize,
}

impl Conv2d {
    /// Returns the convolution of `input` (blocks, height, in, width, 16) with `weight`,
    /// differentiable in both.
    ///
    /// # Errors
    /// Fails if the shapes do not fit, or if a tensor is not f32 on the CPU.
    pub fn apply(self, input: &Tensor, weight: &Tensor) -> Result<Tensor> {
        input.contiguous()?.apply_op2(&weight.contiguous()?, self)
    }

    fn sizes(self, input: &Shape, weight: &Shape) -> Result<Sizes> {
        let input = Blocks::of(input, self.images)?;
        let (out, channels, kernel, kernel_width) = weight.dims4()?;
        if kernel % 2 == 0
            || kernel != kernel_width
            || channels != input.channels
            || self.stride == 0
        {
            bail!(
                "a convolution of {input:?} with weights {weight:?} and stride {} is not supported",
                self.stride
            );
        }
        let (height, width) =
            (input.height.div_ceil(self.stride), input.width.div_ceil(self.stride));
        Ok(Sizes { input, output: Blocks { height, channels: out, width, ..input }, kernel })
    }

    fn forward(self, sizes: Sizes, input: &[f32], weight: &[f32]) -> Vec<f32> {
        let Sizes { input: from, output: to, kernel } = sizes;
        let packed = Packed::forward(self.level, weight, (to.channels, from.channels, kernel));
        let mut output = vec![0.0; to.elements()];
        bands(&mut output, to, BAND).into_par_iter().for_each(|band| {
            let image = &input[band.block * from.block()..][..from.block()];
            let rows = (band.rows - 1) * self.stride + kernel;
            let padded =
                Padded::around(image, from, (band.top * self.stride, rows, from.width), kernel, 1);
            for (y, out) in band.data.chunks_exact_mut(to.row()).enumerate() {
                let starts = padded.starts(y * self.stride, kernel);
                correlate_row(self.level, &packed, padded.window(&starts, self.stride), out);
            }
        });
        output
    }

    /// Returns the gradients of the input and of the weight. The gradient of the input is the
    /// correlation of the output's gradient with the flipped kernel; it is zero unless `of_input`.
    fn backward(
        self,
        sizes: Sizes,
        input: &[f32],
        weight: &[f32],
        grad_output: &[f32],
        of_input: bool,
    ) -> (Vec<f32>, Vec<f32>) {
        let Sizes { input: from, output: to, kernel } = sizes;
        let sizes = (to.channels, from.channels, kernel);
        let packed = Packed::backward(self.level, weight, sizes, 0..from.channels);
        let mut gradient = vec![0.0; from.elements()];
        let parts: Vec<Vec<f32>> = bands(&mut gradient, from, BAND)
            .into_par_iter()
            .map(|band| {
                let grad_output = &grad_output[band.block * to.block()..][..to.block()];
                let around = (band.top, band.rows + kernel - 1, from.width);
                let padded = Padded::around(grad_output, to, around, kernel, self.stride);
                let lines = &input[band.block * from.block() + band.top * from.row()..]
                    [..band.rows * from.row()];
                let mut part = vec![0.0; weight.len()];
                let operands = GradientOperands {
                    input: Planes {
                        data: lines,
                        channels: from.channels,
                        channel: from.line(),
                        row: from.row(),
                    },
                    grad_output: Planes {
                        data: padded.data(),
                        channels: to.channels,
                        channel: padded.channel(),
                        row: padded.line(),
                    },
                    kernel,
                    rows: band.rows,
                    width: from.width,
                    out: from.channels * kernel * kernel,
                };
                add_weight_gradient(self.level, operands, &mut part);
                if of_input {
                    for (y, out) in band.data.chunks_exact_mut(from.row()).enumerate() {
                        correlate_row(
                            self.level,
                            &packed,
                            padded.window(&padded.starts(y, kernel), 1),
                            out,
                        );
                    }
                }
                part
            })
            .collect();
        (gradient, add_up(&parts))
    }
}

impl CustomOp2 for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d-same"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let sizes = self.sizes(l1.shape(), l2.shape())?;
        let output = self.forward(sizes, elements(s1, l1)?, elements(s2, l2)?);
        Ok((CpuStorage::F32(output), sizes.output.shape()))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let sizes = self.sizes(input.shape(), weight.shape())?;
        // The images need no gradient.
        let of_input = input.track_op();
        let (for_input, for_weight) = with_elements(gradient, |grad_output| {
            with_elements(input, |x| {
                with_elements(weight, |w| Ok(self.backward(sizes, x, w, grad_output, of_input)))
            })
        })?;
        let for_input = of_input
            .then(|| Tensor::from_vec(for_input, input.shape(), input.device()))
            .transpose()?;
        Ok((for_input, Some(Tensor::from_vec(for_weight, weight.shape(), weight.device())?)))
    }
}
