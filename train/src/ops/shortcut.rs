//! The parameter-free shortcut of a residual network, for a batch in blocks.

use candle_core::{Result, Tensor};

/// Takes every `stride`-th row and column of a tensor (blocks, height, channels, width, 16), from
/// the first on, and appends channels of zeros (He et al. 2015, option A).
pub(crate) fn shortcut(input: &Tensor, out_channels: usize, stride: usize) -> Result<Tensor> {
    let (_, height, channels, width, _) = input.dims5()?;
    let every = |count: usize| Tensor::from_iter((0..count as u32).step_by(stride), input.device());
    let taken = input.index_select(&every(height)?, 1)?.index_select(&every(width)?, 3)?;
    taken.pad_with_zeros(2, 0, out_channels - channels)
}
