//! Batch normalisation over (batch, channels, height, width) with the activation that follows it, in one operation: with
//! the batch's own statistics, differentiable, for training; with given statistics for evaluation.

#![allow(unsafe_code)] // Only the calls that `multiversion!` makes, after detecting the features.

use super::activation;
use super::simd::{Level, multiversion};
use super::{PIECES, elements, with_elements};
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use common::activation::PiecewiseActivation;
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

impl Statistics {
    /// The unbiased variance, which is what PyTorch keeps as `running_var`.
    pub fn unbiased_variance(&self) -> impl Iterator<Item = f32> + '_ {
        let factor = self.count as f32 / (self.count.max(2) - 1) as f32;
        self.variance.iter().map(move |v| v * factor)
    }

    /// `1 / sqrt(variance + epsilon)`.
    fn inverse_std(&self) -> Vec<f32> {
        self.variance.iter().map(|v| (1.0 / (f64::from(*v) + BATCH_NORM_EPSILON).sqrt()) as f32).collect()
    }
}

/// Where a training pass leaves its batch statistics for the backward pass and for recalibration.
pub type SharedStatistics = Arc<OnceLock<Statistics>>;

/// Batch normalisation and the activation after it; (linear, linear) for none.
#[derive(Clone, Copy, Debug)]
pub struct NormActivation {
    /// Applied to the normalised values.
    pub pair: PiecewiseActivation,
    /// What the kernels run on.
    pub level: Level,
}

impl NormActivation {
    /// `activation((x - mean) / sqrt(variance + epsilon) * gamma + beta)` with the batch's statistics. Also returns where the
    /// statistics are.
    ///
    /// # Errors
    /// Tensors that are not f32 on the CPU.
    pub fn train(self, input: &Tensor, gamma: &Tensor, beta: &Tensor) -> Result<(Tensor, SharedStatistics)> {
        let statistics = SharedStatistics::default();
        let op = Training { op: self, statistics: statistics.clone() };
        Ok((input.contiguous()?.apply_op3(gamma, beta, op)?, statistics))
    }

    /// The same with given statistics; not differentiable.
    ///
    /// # Errors
    /// Tensors that are not f32 on the CPU.
    pub fn evaluate(self, input: &Tensor, statistics: &Statistics, gamma: &Tensor, beta: &Tensor) -> Result<Tensor> {
        let sizes = Sizes::new(input.shape())?;
        let affine = Affine::new(statistics, &gamma.to_vec1()?, &beta.to_vec1()?);
        let output = with_elements(input, |x| Ok(self.forward(&affine, sizes, x)))?;
        Tensor::from_vec(output, input.shape(), input.device())
    }

    fn forward(self, affine: &Affine, sizes: Sizes, input: &[f32]) -> Vec<f32> {
        let mut output = vec![0.0; input.len()];
        output.par_chunks_mut(sizes.image()).zip(input.par_chunks(sizes.image())).for_each(|(output, input)| {
            for (c, (y, x)) in output.chunks_exact_mut(sizes.plane).zip(input.chunks_exact(sizes.plane)).enumerate() {
                activation::affine_values(self.level, self.pair, affine.scale[c], affine.shift[c], x, y);
            }
        });
        output
    }
}

/// Sizes of one call.
#[derive(Clone, Copy)]
struct Sizes {
    batch: usize,
    channels: usize,
    plane: usize,
}

impl Sizes {
    fn new(shape: &Shape) -> Result<Sizes> {
        let (batch, channels, height, width) = shape.dims4()?;
        Ok(Sizes { batch, channels, plane: height * width })
    }

    fn image(&self) -> usize {
        self.channels * self.plane
    }

    fn count(&self) -> usize {
        self.batch * self.plane
    }

    /// Elements of one piece of the batch.
    fn piece(&self) -> usize {
        self.batch.div_ceil(PIECES).max(1) * self.image()
    }
}

/// `scale * x + shift` per channel.
struct Affine {
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl Affine {
    fn new(statistics: &Statistics, gamma: &[f32], beta: &[f32]) -> Affine {
        let scale: Vec<f32> = statistics.inverse_std().iter().zip(gamma).map(|(s, g)| s * g).collect();
        let shift = beta.iter().zip(&statistics.mean).zip(&scale).map(|((b, m), s)| b - m * s).collect();
        Affine { scale, shift }
    }
}

struct Training {
    op: NormActivation,
    statistics: SharedStatistics,
}

impl Training {
    /// Mean first, then the squares of what is left: no cancellation.
    fn statistics_of(&self, sizes: Sizes, input: &[f32]) -> Statistics {
        let count = sizes.count() as f64;
        let per_channel = |means: &[f32], squares: bool| -> Vec<f32> {
            let pieces: Vec<Vec<f64>> = input
                .par_chunks(sizes.piece())
                .map(|piece| {
                    let mut sums = vec![0.0; sizes.channels];
                    for (i, plane) in piece.chunks_exact(sizes.plane).enumerate() {
                        let c = i % sizes.channels;
                        let mut sum = 0.0;
                        deviations(self.op.level, means[c], squares, plane, &mut sum);
                        sums[c] += f64::from(sum);
                    }
                    sums
                })
                .collect();
            add_up(&pieces).iter().map(|sum| (sum / count) as f32).collect()
        };
        let mean = per_channel(&vec![0.0; sizes.channels], false);
        let variance = per_channel(&mean, true);
        Statistics { mean, variance, count: sizes.count() }
    }
}

/// The sums of several pieces, channel by channel, in the order of the pieces.
fn add_up(pieces: &[Vec<f64>]) -> Vec<f64> {
    let mut total = vec![0.0; pieces.first().map_or(0, Vec::len)];
    for piece in pieces {
        total.iter_mut().zip(piece).for_each(|(sum, part)| *sum += part);
    }
    total
}

multiversion! {
    /// The sum of `x - mean`, or of its squares, over a plane.
    fn deviations(mean: f32, squares: bool, plane: &[f32], sum: &mut f32) => deviations_generic;
}

#[inline(always)]
fn deviations_generic(mean: f32, squares: bool, plane: &[f32], sum: &mut f32) {
    // Partial sums in lanes vectorise; one plane has too few elements for f32 to lose anything that matters.
    let mut lanes = [0.0f32; 32];
    let mut blocks = plane.chunks_exact(32);
    for block in &mut blocks {
        for (lane, x) in lanes.iter_mut().zip(block) {
            let d = x - mean;
            *lane += if squares { d * d } else { d };
        }
    }
    let rest = blocks.remainder().iter().map(|x| if squares { (x - mean) * (x - mean) } else { x - mean });
    *sum = lanes.iter().copied().chain(rest).sum();
}

multiversion! {
    /// Replaces `gradient` by `gradient * slope`, the gradient before the activation, and gives its sum and the sum of its
    /// products with `x - mean`.
    fn through_activation(mean: f32, slopes: &[f32], x: &[f32], gradient: &mut [f32], sums: &mut [f32; 2]) => through_activation_generic;
}

#[inline(always)]
fn through_activation_generic(mean: f32, slopes: &[f32], x: &[f32], gradient: &mut [f32], sums: &mut [f32; 2]) {
    let (mut plain, mut weighted) = ([0.0f32; 32], [0.0f32; 32]);
    for ((gradient, slopes), x) in gradient.chunks_mut(32).zip(slopes.chunks(32)).zip(x.chunks(32)) {
        for (lane, ((g, slope), x)) in gradient.iter_mut().zip(slopes).zip(x).enumerate() {
            *g *= slope;
            plain[lane] += *g;
            weighted[lane] += *g * (x - mean);
        }
    }
    *sums = [plain.iter().sum(), weighted.iter().sum()];
}

multiversion! {
    /// `gradient = factor * (gradient - average - (x - mean) * slope)`.
    fn through_norm(numbers: [f32; 4], x: &[f32], gradient: &mut [f32]) => through_norm_generic;
}

#[inline(always)]
fn through_norm_generic([factor, average, mean, slope]: [f32; 4], x: &[f32], gradient: &mut [f32]) {
    for (g, x) in gradient.iter_mut().zip(x) {
        *g = factor * (*g - average - (x - mean) * slope);
    }
}

impl CustomOp3 for Training {
    fn name(&self) -> &'static str {
        "batch-norm-activation"
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
        let (sizes, input) = (Sizes::new(l1.shape())?, elements(s1, l1)?);
        let statistics = self.statistics.get_or_init(|| self.statistics_of(sizes, input));
        let affine = Affine::new(statistics, elements(s2, l2)?, elements(s3, l3)?);
        Ok((CpuStorage::F32(self.op.forward(&affine, sizes, input)), l1.shape().clone()))
    }

    /// With `dz` the gradient before the activation, `x^ = (x - mean) / std` and means over batch and positions:
    /// `dx = gamma / std * (dz - mean(dz) - x^ * mean(dz * x^))`, `dgamma = sum(dz * x^)`, `dbeta = sum(dz)`.
    fn bwd(
        &self,
        input: &Tensor,
        gamma: &Tensor,
        beta: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let sizes = Sizes::new(input.shape())?;
        let statistics = self.statistics.get_or_init(Statistics::default);
        let (inverse_std, gammas) = (statistics.inverse_std(), gamma.to_vec1::<f32>()?);
        let affine = Affine::new(statistics, &gammas, &beta.to_vec1()?);
        let mut dx = with_elements(gradient, |dy| Ok(dy.to_vec()))?;
        let (dgamma, dbeta) = with_elements(input, |x| {
            let pieces: Vec<Vec<f64>> = dx
                .par_chunks_mut(sizes.piece())
                .zip(x.par_chunks(sizes.piece()))
                .map(|(dz, x)| self.before_activation(sizes, &affine, &statistics.mean, x, dz))
                .collect();
            let sums = add_up(&pieces);
            let dbeta: Vec<f32> = sums[..sizes.channels].iter().map(|s| *s as f32).collect();
            let weighted = sums[sizes.channels..].iter().zip(&inverse_std);
            let dgamma: Vec<f32> = weighted.map(|(s, scale)| (s * f64::from(*scale)) as f32).collect();
            let count = sizes.count() as f32;
            dx.par_chunks_mut(sizes.image()).zip(x.par_chunks(sizes.image())).for_each(|(dx, x)| {
                for (c, (dx, x)) in dx.chunks_exact_mut(sizes.plane).zip(x.chunks_exact(sizes.plane)).enumerate() {
                    let slope = dgamma[c] / count * inverse_std[c];
                    let numbers = [gammas[c] * inverse_std[c], dbeta[c] / count, statistics.mean[c], slope];
                    through_norm(self.op.level, numbers, x, dx);
                }
            });
            Ok((dgamma, dbeta))
        })?;
        let device = input.device();
        Ok((
            Some(Tensor::from_vec(dx, input.shape(), device)?),
            Some(Tensor::from_vec(dgamma, sizes.channels, device)?),
            Some(Tensor::from_vec(dbeta, sizes.channels, device)?),
        ))
    }
}

impl Training {
    /// Turns the gradients of one piece into those before the activation; returns, for all channels, their sums and then
    /// the sums of their products with `x - mean`.
    fn before_activation(&self, sizes: Sizes, affine: &Affine, means: &[f32], x: &[f32], dz: &mut [f32]) -> Vec<f64> {
        let mut sums = vec![0.0; 2 * sizes.channels];
        let mut slopes = vec![0.0; sizes.plane];
        for (i, (dz, x)) in dz.chunks_exact_mut(sizes.plane).zip(x.chunks_exact(sizes.plane)).enumerate() {
            let c = i % sizes.channels;
            activation::affine_derivatives(
                self.op.level,
                self.op.pair,
                affine.scale[c],
                affine.shift[c],
                x,
                &mut slopes,
            );
            let mut of_plane = [0.0; 2];
            through_activation(self.op.level, means[c], &slopes, x, dz, &mut of_plane);
            sums[c] += f64::from(of_plane[0]);
            sums[sizes.channels + c] += f64::from(of_plane[1]);
        }
        sums
    }
}
