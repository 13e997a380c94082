//! Batch normalisation with the activation after it, by Candle's operations, of batches (images,
//! channels, height, width).

use super::{activation, given};
use crate::ops::statistics::Statistics;
use candle_core::{Device, Result, Tensor};
use common::activation::PiecewiseActivation;
use common::network::BATCH_NORM_EPSILON;

/// Mean and biased variance of each channel, (2, channels), differentiable in `x`.
pub(super) fn moments(x: &Tensor) -> Result<Tensor> {
    let detached = x.detach();
    let means = mean(&detached)?;
    let variances = mean(&detached.broadcast_sub(&per_channel(&means)?)?.sqr()?)?;
    let value = Tensor::stack(&[&means, &variances], 0)?;
    if !x.track_op() {
        return Ok(value);
    }
    given::of_one(x, value, move |x, gradient| {
        let (images, _, height, width) = x.dims4()?;
        let share = 1.0 / (images * height * width) as f64;
        // (of_mean + 2 of_variance * (x - mean)) / count
        let slope = (gradient.get(1)? * (2.0 * share))?;
        let offset = ((gradient.get(0)? * share)? - (&slope * &means)?)?;
        affine(x, &slope, &offset)
    })
}

/// `(scale, shift)`, (channels) each, with which `scale * x + shift` is the batch normalisation
/// with these moments.
pub(super) fn scale_and_shift(
    moments: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
) -> Result<(Tensor, Tensor)> {
    let (mean, variance) = (moments.get(0)?, moments.get(1)?);
    let scale = (gamma / (variance + BATCH_NORM_EPSILON)?.sqrt()?)?;
    let shift = (beta - (mean * &scale)?)?;
    Ok((scale, shift))
}

/// `activation(scale * x + shift)`, differentiable in all three.
pub(super) fn affine_activation(
    pair: PiecewiseActivation,
    x: &Tensor,
    scale: &Tensor,
    shift: &Tensor,
) -> Result<Tensor> {
    let value = activation::value(pair, &affine(&x.detach(), &scale.detach(), &shift.detach())?)?;
    if !(x.track_op() || scale.track_op() || shift.track_op()) {
        return Ok(value);
    }
    given::of_three([x, scale, shift], value, move |[x, scale, shift], gradient| {
        let of_z = (activation::derivative(pair, &affine(x, scale, shift)?)? * gradient)?;
        Ok([of_z.broadcast_mul(&per_channel(scale)?)?, sum(&(&of_z * x)?)?, sum(&of_z)?])
    })
}

/// Moments as numbers.
pub(super) fn statistics(moments: &Tensor, images: usize, plane: usize) -> Result<Statistics> {
    let [mean, variance] = <[Vec<f32>; 2]>::try_from(moments.to_vec2()?).unwrap_or_default();
    Ok(Statistics { mean, variance, count: images * plane })
}

/// Given numbers as moments.
pub(super) fn moments_of(statistics: &Statistics, device: &Device) -> Result<Tensor> {
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

/// The sum of each channel. First over planes, then over images: sums of many small numbers are
/// closer in two levels.
fn sum(x: &Tensor) -> Result<Tensor> {
    x.flatten_from(2)?.sum(2)?.sum(0)
}

fn per_channel(x: &Tensor) -> Result<Tensor> {
    x.reshape((1, (), 1, 1))
}
