//! Convolution with "same" padding and no bias, forward and both gradients.

use super::correlate::{Packed, correlate, weight_gradient};
use super::pad::Plane;
use super::simd::Level;
use super::{PIECES, elements, with_elements};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

/// A convolution of images (batch, in, height, width) with weights (out, in, kernel, kernel); `kernel` is odd, the padding
/// `kernel / 2`, the output `ceil(height / stride)` x `ceil(width / stride)`.
#[derive(Clone, Copy, Debug)]
pub struct Conv2d {
    /// Step in both directions.
    pub stride: usize,
    /// What the kernels run on.
    pub level: Level,
}

/// Sizes of one call.
#[derive(Clone, Copy)]
struct Sizes {
    batch: usize,
    in_channels: usize,
    out_channels: usize,
    plane: Plane,
    stride: usize,
}

impl Sizes {
    fn new(input: &Shape, weight: &Shape, stride: usize) -> Result<Sizes> {
        let (batch, in_channels, height, width) = input.dims4()?;
        let (out_channels, weight_channels, kernel, kernel_width) = weight.dims4()?;
        if kernel % 2 == 0 || kernel != kernel_width || weight_channels != in_channels || stride == 0 {
            bail!("a convolution of {input:?} with weights {weight:?} and stride {stride} is not supported");
        }
        Ok(Sizes { batch, in_channels, out_channels, plane: Plane::new(height, width, kernel), stride })
    }

    fn out_height(&self) -> usize {
        self.plane.height.div_ceil(self.stride)
    }

    fn out_width(&self) -> usize {
        self.plane.width.div_ceil(self.stride)
    }

    fn image_elements(&self) -> usize {
        self.in_channels * self.plane.height * self.plane.width
    }

    fn out_elements(&self) -> usize {
        self.out_channels * self.out_height() * self.out_width()
    }

    fn piece(&self) -> usize {
        self.batch.div_ceil(PIECES).max(1)
    }
}

impl Conv2d {
    /// The convolution of `input` with `weight`, differentiable in both.
    ///
    /// # Errors
    /// Shapes that do not fit, or tensors that are not f32 on the CPU.
    pub fn apply(self, input: &Tensor, weight: &Tensor) -> Result<Tensor> {
        input.contiguous()?.apply_op2(&weight.contiguous()?, self)
    }

    fn forward(self, sizes: Sizes, input: &[f32], weight: &[f32]) -> Vec<f32> {
        let Sizes { in_channels, out_channels, plane, .. } = sizes;
        let taps = plane.kernel * plane.kernel;
        let packed = Packed::new((out_channels, in_channels, taps), |o, c, t| weight[(o * in_channels + c) * taps + t]);
        let mut output = vec![0.0; sizes.batch * sizes.out_elements()];
        let pieces = input
            .par_chunks(sizes.piece() * sizes.image_elements())
            .zip(output.par_chunks_mut(sizes.piece() * sizes.out_elements()));
        pieces.for_each(|(images, outputs)| {
            let mut padded = vec![0.0; in_channels * plane.elements()];
            let mut flat = vec![0.0; out_channels * plane.positions()];
            let images = images.chunks_exact(sizes.image_elements());
            for (image, output) in images.zip(outputs.chunks_exact_mut(sizes.out_elements())) {
                plane.fill(image, &mut padded);
                correlate(self.level, plane, &packed, &padded, &mut flat);
                plane.take(&flat, sizes.stride, output);
            }
        });
        output
    }

    /// The gradient of the input is the correlation of the output's gradient with the flipped kernel.
    fn input_gradient(self, sizes: Sizes, weight: &[f32], out_gradient: &[f32]) -> Vec<f32> {
        let Sizes { in_channels, out_channels, plane, .. } = sizes;
        let taps = plane.kernel * plane.kernel;
        let flipped = |c: usize, o: usize, t: usize| weight[(o * in_channels + c) * taps + (taps - 1 - t)];
        let packed = Packed::new((in_channels, out_channels, taps), flipped);
        let mut gradient = vec![0.0; sizes.batch * sizes.image_elements()];
        let pieces = out_gradient
            .par_chunks(sizes.piece() * sizes.out_elements())
            .zip(gradient.par_chunks_mut(sizes.piece() * sizes.image_elements()));
        pieces.for_each(|(outputs, images)| {
            let mut padded = vec![0.0; out_channels * plane.elements()];
            let mut flat = vec![0.0; in_channels * plane.positions()];
            let outputs = outputs.chunks_exact(sizes.out_elements());
            for (output, image) in outputs.zip(images.chunks_exact_mut(sizes.image_elements())) {
                plane.spread(output, sizes.stride, plane.origin(), plane.elements(), &mut padded);
                correlate(self.level, plane, &packed, &padded, &mut flat);
                plane.take(&flat, 1, image);
            }
        });
        gradient
    }

    fn weight_gradient(self, sizes: Sizes, input: &[f32], out_gradient: &[f32]) -> Vec<f32> {
        let Sizes { in_channels, out_channels, plane, .. } = sizes;
        let weights = out_channels * in_channels * plane.kernel * plane.kernel;
        let pieces: Vec<Vec<f32>> = input
            .par_chunks(sizes.piece() * sizes.image_elements())
            .zip(out_gradient.par_chunks(sizes.piece() * sizes.out_elements()))
            .map(|(images, outputs)| {
                let count = images.len() / sizes.image_elements();
                let mut padded = vec![0.0; count * in_channels * plane.elements()];
                let mut flat = vec![0.0; count * out_channels * plane.positions()];
                plane.fill(images, &mut padded);
                plane.spread(outputs, sizes.stride, 0, plane.positions(), &mut flat);
                let mut gradient = vec![0.0; weights];
                weight_gradient(self.level, plane, (out_channels, in_channels), &padded, &flat, &mut gradient);
                gradient
            })
            .collect();
        let mut total = vec![0.0; weights];
        for piece in pieces {
            total.iter_mut().zip(piece).for_each(|(sum, part)| *sum += part);
        }
        total
    }
}

impl CustomOp2 for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d-same"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let sizes = Sizes::new(l1.shape(), l2.shape(), self.stride)?;
        let output = self.forward(sizes, elements(s1, l1)?, elements(s2, l2)?);
        let shape = Shape::from((sizes.batch, sizes.out_channels, sizes.out_height(), sizes.out_width()));
        Ok((CpuStorage::F32(output), shape))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let sizes = Sizes::new(input.shape(), weight.shape(), self.stride)?;
        with_elements(gradient, |gradient| {
            let for_weight = with_elements(input, |input| Ok(self.weight_gradient(sizes, input, gradient)))?;
            // The image itself has no gradient.
            let for_input = if input.track_op() {
                let values = with_elements(weight, |weight| Ok(self.input_gradient(sizes, weight, gradient)))?;
                Some(Tensor::from_vec(values, input.shape(), input.device())?)
            } else {
                None
            };
            Ok((for_input, Some(Tensor::from_vec(for_weight, weight.shape(), weight.device())?)))
        })
    }
}
