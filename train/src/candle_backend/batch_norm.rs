//! Batch normalisation with the activation after it.
//!
//! Not candle-nn's `BatchNorm`: it computes the moments again for every reader of a value, keeps
//! all intermediate tensors for the backward pass, and updates running averages (momentum 0.1,
//! unbiased variance), which `eval::recalibrate` replaces here. This one keeps its input alone.

use super::{activation, custom_grad};
use crate::ops::statistics::Statistics;
use candle_core::{Device, Result, Tensor};
use common::network::BATCH_NORM_EPSILON;
use common::network::activation::PiecewiseActivation;

/// Returns mean and biased variance of each channel, (2, channels), differentiable in `x`.
///
/// # Errors
/// Fails if `x` has not four dimensions.
pub(crate) fn moments(x: &Tensor) -> Result<Tensor> {
    let detached = x.detach();
    let means = mean(&detached)?;
    let variances = mean(&detached.broadcast_sub(&per_channel(&means)?)?.sqr()?)?;
    let value = Tensor::stack(&[&means, &variances], 0)?;
    if !x.track_op() {
        return Ok(value);
    }
    custom_grad::unary(x, value, move |x, grad_output| {
        let (images, _, height, width) = x.dims4()?;
        let share = 1.0 / (images * height * width) as f64;
        // (grad_mean + 2 grad_variance * (x - mean)) / count
        let scale = (grad_output.get(1)? * (2.0 * share))?;
        let shift = ((grad_output.get(0)? * share)? - (&scale * &means)?)?;
        affine(x, &scale, &shift)
    })
}

/// Returns `(scale, shift)`, (channels) each, with which `scale * x + shift` is the batch
/// normalisation with these moments.
///
/// # Errors
/// Fails if the numbers of channels differ.
pub(crate) fn scale_and_shift(
    moments: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
) -> Result<(Tensor, Tensor)> {
    let (mean, variance) = (moments.get(0)?, moments.get(1)?);
    let scale = (gamma / (variance + BATCH_NORM_EPSILON)?.sqrt()?)?;
    let shift = (beta - (mean * &scale)?)?;
    Ok((scale, shift))
}

/// Returns `activation(scale * x + shift)`, differentiable in all three tensors.
///
/// # Errors
/// Fails if the numbers of channels differ.
pub(crate) fn affine_activation(
    pair: PiecewiseActivation,
    x: &Tensor,
    scale: &Tensor,
    shift: &Tensor,
) -> Result<Tensor> {
    let value = activation::value(pair, &affine(&x.detach(), &scale.detach(), &shift.detach())?)?;
    if !(x.track_op() || scale.track_op() || shift.track_op()) {
        return Ok(value);
    }
    custom_grad::ternary([x, scale, shift], value, move |[x, scale, shift], grad_output| {
        let grad_z = (activation::derivative(pair, &affine(x, scale, shift)?)? * grad_output)?;
        Ok([grad_z.broadcast_mul(&per_channel(scale)?)?, sum(&(&grad_z * x)?)?, sum(&grad_z)?])
    })
}

/// Copies moments, taken over `count` elements of each channel, to the host.
///
/// # Errors
/// Fails if they cannot be copied from their device.
pub(crate) fn statistics(moments: &Tensor, count: usize) -> Result<Statistics> {
    let [mean, variance] = <[Vec<f32>; 2]>::try_from(moments.to_vec2()?).unwrap_or_default();
    Ok(Statistics { mean, variance, count })
}

/// Copies statistics to a device, as moments (2, channels).
///
/// # Errors
/// Fails if the device reports an error.
pub(crate) fn moments_from_statistics(statistics: &Statistics, device: &Device) -> Result<Tensor> {
    let channels = statistics.mean.len();
    Tensor::from_vec(
        [statistics.mean.as_slice(), &statistics.variance].concat(),
        (2, channels),
        device,
    )
}

fn affine(x: &Tensor, scale: &Tensor, shift: &Tensor) -> Result<Tensor> {
    x.broadcast_mul(&per_channel(scale)?)?.broadcast_add(&per_channel(shift)?)
}

fn mean(x: &Tensor) -> Result<Tensor> {
    sum(x)? * (x.dim(1)? as f64 / x.elem_count() as f64)
}

/// Returns the sum of each channel: first over the pixels of an image, then over images, because
/// two short sums round less than a long one.
fn sum(x: &Tensor) -> Result<Tensor> {
    x.flatten_from(2)?.sum(2)?.sum(0)
}

fn per_channel(x: &Tensor) -> Result<Tensor> {
    x.reshape((1, (), 1, 1))
}
