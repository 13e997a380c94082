//! Convolution, the classifier, pooling and the shortcut.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Conv2d, Conv2dConfig, Linear, Module};
use common::profile::Precision;

/// The device and the precision of Candle's operations.
#[derive(Clone, Debug)]
pub struct CandleBackend {
    /// The device.
    pub device: Device,
    /// The precision of matrix products. Tf32 and f32 differ by a switch of Candle's alone, which
    /// holds for the whole process.
    pub precision: Precision,
}

impl CandleBackend {
    /// Convolves `input` with `weight` (out, in, kernel, kernel), with padding `kernel / 2`. Sides
    /// are first extended with zeros to multiples of the stride: Candle's backward pass assumes
    /// that both sides leave the same remainder.
    ///
    /// # Errors
    /// Fails if the shapes do not fit.
    pub(crate) fn conv2d(&self, input: &Tensor, weight: &Tensor, stride: usize) -> Result<Tensor> {
        let (_, _, height, width) = input.dims4()?;
        let missing = |side: usize| side.next_multiple_of(stride) - side;
        let extended =
            input.pad_with_zeros(2, 0, missing(height))?.pad_with_zeros(3, 0, missing(width))?;
        let config =
            Conv2dConfig { padding: weight.dim(2)? / 2, stride, ..Conv2dConfig::default() };
        let convolution = Conv2d::new(weight.to_dtype(self.factors())?, None, config);
        convolution.forward(&extended.to_dtype(self.factors())?)?.to_dtype(DType::F32)
    }

    /// Returns `input * weight^T + bias` as (images, classes), for `weight` (classes, features) and
    /// an `input` with `features` elements for each image.
    ///
    /// # Errors
    /// Fails if the shapes do not fit.
    pub(crate) fn linear(&self, input: &Tensor, weight: Tensor, bias: &Tensor) -> Result<Tensor> {
        let rows = input.flatten_from(1)?.to_dtype(self.factors())?;
        // The bias is f32 in every precision, so it is added after the product.
        let product = Linear::new(weight.to_dtype(self.factors())?, None).forward(&rows)?;
        product.to_dtype(DType::F32)?.broadcast_add(bias)
    }

    /// Returns the type of the factors of matrix products.
    fn factors(&self) -> DType {
        match self.precision {
            Precision::F32 | Precision::Tf32 => DType::F32,
            Precision::Bf16 => DType::BF16,
        }
    }
}

/// Averages non-overlapping squares of `size` x `size` pixels. Rows and columns that do not fill a
/// square are left out.
///
/// # Errors
/// Fails if the input has not four dimensions.
pub(crate) fn average_pool(input: &Tensor, size: usize) -> Result<Tensor> {
    let whole = |side: usize| side / size * size;
    let (_, _, height, width) = input.dims4()?;
    input.narrow(2, 0, whole(height))?.narrow(3, 0, whole(width))?.avg_pool2d(size)
}

/// Takes every `stride`-th row and column, from the first on, and appends channels of zeros.
///
/// # Errors
/// Fails if the input has not four dimensions.
pub(crate) fn shortcut(input: &Tensor, out_channels: usize, stride: usize) -> Result<Tensor> {
    let (_, channels, height, width) = input.dims4()?;
    let every = |count: usize| Tensor::from_iter((0..count as u32).step_by(stride), input.device());
    let taken = input.index_select(&every(height)?, 2)?.index_select(&every(width)?, 3)?;
    taken.pad_with_zeros(1, 0, out_channels - channels)
}
