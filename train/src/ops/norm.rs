//! Batch normalisation over (batch, channels, height, width): with the batch's own statistics, differentiable, for
//! training; with given statistics for evaluation.

use super::{elements, with_elements};
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use common::network::BATCH_NORM_EPSILON;
use rayon::prelude::*;
use std::sync::{Arc, OnceLock};

/// Mean and variance of each channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// Mean over batch and positions.
    pub mean: Vec<f32>,
    /// Biased variance (divided by the count).
    pub variance: Vec<f32>,
    /// How many elements of a channel they were taken over.
    pub count: usize,
}

/// Where a training pass leaves its batch statistics for the backward pass and for recalibration.
pub type SharedStatistics = Arc<OnceLock<Statistics>>;

/// Normalises with the batch's statistics: `(x - mean) / sqrt(variance + epsilon) * gamma + beta`. Also returns where the
/// statistics are.
///
/// # Errors
/// Tensors that are not f32 on the CPU.
pub fn batch_norm(input: &Tensor, gamma: &Tensor, beta: &Tensor) -> Result<(Tensor, SharedStatistics)> {
    let statistics = SharedStatistics::default();
    let output = input.contiguous()?.apply_op3(gamma, beta, BatchNorm { statistics: statistics.clone() })?;
    Ok((output, statistics))
}

/// Normalises with given statistics; not differentiable.
///
/// # Errors
/// Tensors that are not f32 on the CPU.
pub fn normalise(input: &Tensor, statistics: &Statistics, gamma: &Tensor, beta: &Tensor) -> Result<Tensor> {
    let (gamma, beta) = (gamma.to_vec1::<f32>()?, beta.to_vec1::<f32>()?);
    let affine = Affine::new(statistics, &gamma, &beta);
    let (_, channels, height, width) = input.dims4()?;
    let output = with_elements(input, |x| Ok(affine.apply(x, channels, height * width)))?;
    Tensor::from_vec(output, input.shape(), input.device())
}

/// `scale * x + shift` per channel.
struct Affine {
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl Affine {
    fn new(statistics: &Statistics, gamma: &[f32], beta: &[f32]) -> Affine {
        let scale: Vec<f32> = statistics.variance.iter().zip(gamma).map(|(v, g)| g * inverse_std(*v)).collect();
        let shift = beta.iter().zip(&statistics.mean).zip(&scale).map(|((b, m), s)| b - m * s).collect();
        Affine { scale, shift }
    }

    fn apply(&self, input: &[f32], channels: usize, plane: usize) -> Vec<f32> {
        let mut output = vec![0.0; input.len()];
        output.par_chunks_mut(channels * plane).zip(input.par_chunks(channels * plane)).for_each(|(output, input)| {
            for (c, (y, x)) in output.chunks_exact_mut(plane).zip(input.chunks_exact(plane)).enumerate() {
                let (scale, shift) = (self.scale[c], self.shift[c]);
                y.iter_mut().zip(x).for_each(|(y, x)| *y = x * scale + shift);
            }
        });
        output
    }
}

fn inverse_std(variance: f32) -> f32 {
    (1.0 / (f64::from(variance) + BATCH_NORM_EPSILON).sqrt()) as f32
}

struct BatchNorm {
    statistics: SharedStatistics,
}

/// The planes of one channel over a batch.
fn planes(values: &[f32], channel: usize, channels: usize, plane: usize) -> impl Iterator<Item = &[f32]> {
    values.chunks_exact(plane).skip(channel).step_by(channels)
}

/// The sum of `f(i)` over a plane: sixteen partial sums in f32, which vectorise, then f64.
fn sum(length: usize, f: impl Fn(usize) -> f32) -> f64 {
    let mut lanes = [0.0f32; 16];
    let whole = length / 16 * 16;
    for start in (0..whole).step_by(16) {
        for (lane, partial) in lanes.iter_mut().enumerate() {
            *partial += f(start + lane);
        }
    }
    lanes.iter().map(|x| f64::from(*x)).sum::<f64>() + (whole..length).map(|i| f64::from(f(i))).sum::<f64>()
}

impl Statistics {
    /// The statistics of each channel of dense (batch, channels, plane) values.
    fn of(values: &[f32], channels: usize, plane: usize) -> Statistics {
        let count = values.len() / channels;
        let (mean, variance) = (0..channels)
            .into_par_iter()
            .map(|c| {
                let total: f64 = planes(values, c, channels, plane).map(|p| sum(plane, |i| p[i])).sum();
                let mean = (total / count as f64) as f32;
                let square = |p: &[f32]| sum(plane, |i| (p[i] - mean) * (p[i] - mean));
                let squares: f64 = planes(values, c, channels, plane).map(square).sum();
                (mean, (squares / count as f64) as f32)
            })
            .unzip();
        Statistics { mean, variance, count }
    }

    /// The unbiased variance, which is what PyTorch keeps as `running_var`.
    pub fn unbiased_variance(&self) -> impl Iterator<Item = f32> + '_ {
        let factor = self.count as f32 / (self.count.max(2) - 1) as f32;
        self.variance.iter().map(move |v| v * factor)
    }
}

impl CustomOp3 for BatchNorm {
    fn name(&self) -> &'static str {
        "batch-norm"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (_, channels, height, width) = l1.shape().dims4()?;
        let (input, plane) = (elements(s1, l1)?, height * width);
        let statistics = self.statistics.get_or_init(|| Statistics::of(input, channels, plane));
        let affine = Affine::new(statistics, elements(s2, l2)?, elements(s3, l3)?);
        Ok((CpuStorage::F32(affine.apply(input, channels, plane)), l1.shape().clone()))
    }

    /// With `x^ = (x - mean) / std` and means taken over batch and positions:
    /// `dx = gamma / std * (dy - mean(dy) - x^ * mean(dy * x^))`, `dgamma = sum(dy * x^)`, `dbeta = sum(dy)`.
    fn bwd(
        &self,
        input: &Tensor,
        gamma: &Tensor,
        _: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (_, channels, height, width) = input.dims4()?;
        let plane = height * width;
        let statistics = self.statistics.get_or_init(Statistics::default);
        let scale: Vec<f32> = statistics.variance.iter().map(|v| inverse_std(*v)).collect();
        let gammas = gamma.to_vec1::<f32>()?;
        let (dx, dgamma, dbeta) = with_elements(input, |x| {
            with_elements(gradient, |dy| {
                let sums: (Vec<f32>, Vec<f32>) = (0..channels)
                    .into_par_iter()
                    .map(|c| {
                        let pairs = || planes(x, c, channels, plane).zip(planes(dy, c, channels, plane));
                        let (mean, scale) = (statistics.mean[c], scale[c]);
                        let dgamma: f64 = pairs().map(|(x, dy)| sum(plane, |i| dy[i] * ((x[i] - mean) * scale))).sum();
                        let dbeta: f64 = pairs().map(|(_, dy)| sum(plane, |i| dy[i])).sum();
                        (dgamma as f32, dbeta as f32)
                    })
                    .unzip();
                let (dgamma, dbeta) = sums;
                let mut dx = vec![0.0; x.len()];
                let image = channels * plane;
                let images = dx.par_chunks_mut(image).zip(x.par_chunks(image)).zip(dy.par_chunks(image));
                images.for_each(|((dx, x), dy)| {
                    for c in 0..channels {
                        let here = c * plane..(c + 1) * plane;
                        let factor = gammas[c] * scale[c];
                        let mean_dy = dbeta[c] / statistics.count as f32;
                        let slope = dgamma[c] / statistics.count as f32 * scale[c];
                        let values = dx[here.clone()].iter_mut().zip(&x[here.clone()]).zip(&dy[here]);
                        let mean = statistics.mean[c];
                        values.for_each(|((dx, x), dy)| *dx = factor * (dy - mean_dy - (x - mean) * slope));
                    }
                });
                Ok((dx, dgamma, dbeta))
            })
        })?;
        let device = input.device();
        Ok((
            Some(Tensor::from_vec(dx, input.shape(), device)?),
            Some(Tensor::from_vec(dgamma, channels, device)?),
            Some(Tensor::from_vec(dbeta, channels, device)?),
        ))
    }
}
