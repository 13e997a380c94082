//! The arithmetic of batch normalisation: statistics of a batch, and the gradient through them.
//!
//! Let `z = scale * x + shift` be the input of the activation and `dz` the gradient there. The
//! gradient of the input is `gamma / std * (dz - mean(dz) - (x - mean) / std^2 * mean(dz * (x -
//! mean)))`, means over batch and positions (Ioffe and Szegedy 2015). The first term is known at
//! once, the other two only after the whole batch: hence two kernels, `activation_backward` and
//! `subtract_correction`.

#![allow(unsafe_code)] // Only the calls that `multiversion!` makes, after detecting the features.

use super::activation::derivatives_of;
use super::blocks::{Blocks, LANES};
use super::rounding::table::{self, Table};
use super::simd::{Level, multiversion};
use common::network::BATCH_NORM_EPSILON;
use common::network::activation::PiecewiseActivation;
use rayon::prelude::*;
use std::sync::{Arc, OnceLock};

/// Mean and variance of each channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// Mean over batch and positions.
    pub mean: Vec<f32>,
    /// Biased variance (divided by the count).
    pub variance: Vec<f32>,
    /// Number of elements of a channel.
    pub count: usize,
}

/// The place where a forward pass stores batch statistics for the backward pass and recalibration.
pub type SharedStatistics = Arc<OnceLock<Statistics>>;

impl Statistics {
    /// Returns the unbiased variance, which PyTorch keeps as `running_var`.
    pub fn unbiased_variance(&self) -> impl Iterator<Item = f32> + '_ {
        let factor = self.count as f32 / (self.count.max(2) - 1) as f32;
        self.variance.iter().map(move |v| v * factor)
    }

    /// Returns `1 / sqrt(variance + epsilon)` for each channel.
    pub(super) fn inverse_std(&self) -> Vec<f32> {
        self.variance
            .iter()
            .map(|v| (1.0 / (f64::from(*v) + BATCH_NORM_EPSILON).sqrt()) as f32)
            .collect()
    }

    /// Returns the statistics of the first `channels` channels.
    pub(crate) fn first(&self, channels: usize) -> Statistics {
        let first = |values: &[f32]| values[..channels].to_vec();
        Statistics { mean: first(&self.mean), variance: first(&self.variance), count: self.count }
    }

    /// Appends further channels of the same batch.
    pub(super) fn extend(&mut self, more: Statistics) {
        self.mean.extend(more.mean);
        self.variance.extend(more.variance);
        self.count = more.count;
    }

    /// Computes the statistics of a batch in blocks.
    pub(super) fn of(level: Level, shape: Blocks, data: &[f32]) -> Statistics {
        let per_block: Vec<Vec<Moments>> = data
            .par_chunks_exact(shape.block())
            .enumerate()
            .map(|(block, rows)| {
                let mut moments = vec![Moments::default(); shape.channels];
                Moments::add_rows(level, shape, block, rows, &mut moments);
                moments
            })
            .collect();
        Moments::statistics(&per_block)
    }
}

/// Count, mean and sum of squared deviations of a channel over a part of a batch.
#[derive(Clone, Copy, Default)]
pub(super) struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// Adds some rows of one block, for each channel.
    pub(super) fn add_rows(
        level: Level,
        shape: Blocks,
        block: usize,
        rows: &[f32],
        moments: &mut [Moments],
    ) {
        let (mask, count) = (shape.mask(block), shape.width * shape.live(block));
        for row in rows.chunks_exact(shape.row()) {
            for (line, moments) in row.chunks_exact(shape.line()).zip(&mut *moments) {
                let mut of_line = [0.0; 2];
                line_moments(level, &mask, count as f32, line, &mut of_line);
                let [mean, squares] = of_line.map(f64::from);
                moments.add(Moments { count: count as f64, mean, squares });
            }
        }
    }

    /// Adds the moments of another part by Chan's rule, which avoids cancellation.
    fn add(&mut self, other: Moments) {
        let (total, apart) = (self.count + other.count, other.mean - self.mean);
        self.squares += other.squares + apart * apart * self.count * other.count / total;
        self.mean += apart * other.count / total;
        self.count = total;
    }

    /// Returns the statistics of several parts together, added in their order.
    pub(super) fn statistics(parts: &[Vec<Moments>]) -> Statistics {
        let mut total = vec![Moments::default(); parts.first().map_or(0, Vec::len)];
        for part in parts {
            total.iter_mut().zip(part).for_each(|(sum, part)| sum.add(*part));
        }
        Statistics {
            mean: total.iter().map(|m| m.mean as f32).collect(),
            variance: total.iter().map(|m| (m.squares / m.count) as f32).collect(),
            count: total.first().map_or(0, |m| m.count as usize),
        }
    }
}

/// `scale * x + shift` per channel: a batch normalisation with known statistics.
pub(super) struct Affine {
    pub scale: Vec<f32>,
    pub shift: Vec<f32>,
}

impl Affine {
    /// Returns the scale and shift of a batch normalisation with these statistics.
    pub(super) fn new(statistics: &Statistics, gamma: &[f32], beta: &[f32]) -> Affine {
        let scale: Vec<f32> =
            statistics.inverse_std().iter().zip(gamma).map(|(s, g)| s * g).collect();
        let shift =
            beta.iter().zip(&statistics.mean).zip(&scale).map(|((b, m), s)| b - m * s).collect();
        Affine { scale, shift }
    }
}

/// One channel of a batch normalisation and its activation in the backward pass.
#[derive(Clone, Copy)]
pub(super) struct Channel {
    pub pair: PiecewiseActivation,
    /// The roundings of the activation, if it is rounded.
    pub table: Option<Table>,
    pub scale: f32,
    pub shift: f32,
    pub mean: f32,
}

/// Sums over lines, for each lane: of `dz` and of `dz * (x - mean)`.
pub(super) type LaneSums = [[f32; LANES]; 2];

/// Returns the two sums of [`activation_backward`] for all channels, over all parts in their order.
pub(super) fn total(parts: &[Vec<LaneSums>]) -> Vec<[f64; 2]> {
    let mut total = vec![[0.0; 2]; parts.first().map_or(0, Vec::len)];
    for part in parts {
        for (total, lanes) in total.iter_mut().zip(part) {
            for (total, lanes) in total.iter_mut().zip(lanes) {
                *total += lanes.iter().map(|x| f64::from(*x)).sum::<f64>();
            }
        }
    }
    total
}

/// The terms `offset + factor * (x - mean)` that are subtracted from the gradient of each channel
/// after the whole batch.
#[derive(Clone)]
pub(super) struct Correction {
    /// The mean of the gradient.
    pub offset: Vec<f32>,
    /// The coefficient of `x - mean`.
    pub factor: Vec<f32>,
}

impl Correction {
    /// Returns a correction of zero.
    pub(super) fn none(channels: usize) -> Correction {
        Correction { offset: vec![0.0; channels], factor: vec![0.0; channels] }
    }

    /// Adds the terms of one batch normalisation of the first channels. Returns the gradients of
    /// gamma and beta.
    pub(super) fn add(
        &mut self,
        statistics: &Statistics,
        gamma: &[f32],
        sums: &[[f64; 2]],
    ) -> (Vec<f32>, Vec<f32>) {
        let (inverse_std, count) = (statistics.inverse_std(), statistics.count as f64);
        for (c, [plain, weighted]) in sums.iter().enumerate() {
            let inverse = f64::from(inverse_std[c]);
            let factor = f64::from(gamma[c]) * inverse / count;
            self.offset[c] += (factor * plain) as f32;
            self.factor[c] += (factor * weighted * inverse * inverse) as f32;
        }
        let dgamma = sums
            .iter()
            .zip(&inverse_std)
            .map(|([_, weighted], s)| (weighted * f64::from(*s)) as f32);
        (dgamma.collect(), sums.iter().map(|[plain, _]| *plain as f32).collect())
    }
}

/// Elements whose derivatives are computed at a time; they fit the first cache.
const BLOCK: usize = 256;

multiversion! {
    /// Computes mean and sum of squared deviations of a line's live lanes, `count` elements.
    fn line_moments(
        mask: &[f32; LANES],
        count: f32,
        line: &[f32],
        result: &mut [f32; 2],
    ) => line_moments_generic;
}

#[inline(always)]
fn line_moments_generic(mask: &[f32; LANES], count: f32, line: &[f32], result: &mut [f32; 2]) {
    let mut lanes = [0.0f32; LANES];
    for pixel in line.chunks_exact(LANES) {
        for ((lane, x), mask) in lanes.iter_mut().zip(pixel).zip(mask) {
            *lane += x * mask;
        }
    }
    let mean = lanes.iter().sum::<f32>() / count;
    let mut lanes = [0.0f32; LANES];
    for pixel in line.chunks_exact(LANES) {
        for ((lane, x), mask) in lanes.iter_mut().zip(pixel).zip(mask) {
            let d = (x - mean) * mask;
            *lane += d * d;
        }
    }
    *result = [mean, lanes.iter().sum()];
}

multiversion! {
    /// Computes the gradient `dz` before the activation from the one `after` it. Adds `scale * dz`
    /// to `gradient`, and `dz` and `dz * (x - mean)` to `sums`.
    pub(super) fn activation_backward(
        channel: Channel,
        x: &[f32],
        after: &[f32],
        gradient: &mut [f32],
        sums: &mut LaneSums,
    ) => activation_backward_generic;
}

#[inline(always)]
fn activation_backward_generic(
    channel: Channel,
    x: &[f32],
    after: &[f32],
    gradient: &mut [f32],
    sums: &mut LaneSums,
) {
    let Channel { pair, table, scale, shift, mean } = channel;
    let mut derivatives = [0.0; BLOCK];
    let [mut plain, mut weighted] = *sums;
    for ((gradient, x), after) in
        gradient.chunks_mut(BLOCK).zip(x.chunks(BLOCK)).zip(after.chunks(BLOCK))
    {
        let derivatives = &mut derivatives[..x.len()];
        match table {
            None => derivatives_of(pair, scale, shift, x, derivatives),
            Some(table) => table::derivatives_of(table, scale, shift, x, derivatives),
        }
        let pixels = x
            .chunks_exact(LANES)
            .zip(after.chunks_exact(LANES))
            .zip(derivatives.chunks_exact(LANES));
        for (((x, after), derivative), gradient) in pixels.zip(gradient.chunks_exact_mut(LANES)) {
            for i in 0..LANES {
                let dz = after[i] * derivative[i];
                plain[i] += dz;
                weighted[i] += dz * (x[i] - mean);
                gradient[i] += scale * dz;
            }
        }
    }
    *sums = [plain, weighted];
}

multiversion! {
    /// Writes `gradient - offset - (x - mean) * factor` to live lanes and 0 to dead ones;
    /// `correction` is mean, offset, factor.
    pub(super) fn subtract_correction(
        mask: &[f32; LANES],
        correction: [f32; 3],
        x: &[f32],
        gradient: &[f32],
        result: &mut [f32],
    ) => subtract_correction_generic;
}

#[inline(always)]
fn subtract_correction_generic(
    mask: &[f32; LANES],
    [mean, offset, factor]: [f32; 3],
    x: &[f32],
    gradient: &[f32],
    result: &mut [f32],
) {
    let pixels =
        x.chunks_exact(LANES).zip(gradient.chunks_exact(LANES)).zip(result.chunks_exact_mut(LANES));
    for ((x, gradient), result) in pixels {
        for i in 0..LANES {
            result[i] = (gradient[i] - offset - (x[i] - mean) * factor) * mask[i];
        }
    }
}
