//! The rounding of a convolution's results to the bytes in which an int8 network stores them, with
//! a scale and an offset for each channel.
//!
//! A byte at either end stands for all values beyond the range, and no value inside the range has
//! it: so the backward pass tells from a rounded value alone whether a gradient passes.

#![allow(unsafe_code)] // Only the calls that `multiversion!` makes, after detecting the features.

use super::range::{Range, ranges};
use crate::ops::blocks::Blocks;
use crate::ops::scratch::bands;
use crate::ops::simd::{Level, multiversion};
use crate::ops::statistics::{Moments, Statistics};
use crate::ops::storage::{elements, with_elements};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;
use std::sync::{Arc, OnceLock};

/// Steps of a range: 256 bytes but those of both ends.
const STEPS: f32 = 253.0;
/// Adding and subtracting 1.5 * 2^23 rounds to the nearest whole number.
const ROUND: f32 = 12_582_912.0;
/// Rows of one task.
const BAND: usize = 8;

/// Rounds the results of a convolution, which have these statistics, in place. Returns the range
/// of each channel and the statistics of what the results have become.
pub(in crate::ops) fn round(
    level: Level,
    shape: Blocks,
    statistics: &Statistics,
    results: &mut [f32],
) -> (Vec<Range>, Statistics) {
    let ranges = ranges(level, shape, statistics, results);
    let moments: Vec<Vec<Moments>> = bands(results, shape, BAND)
        .into_par_iter()
        .map(|band| {
            let mut moments = vec![Moments::default(); shape.channels];
            for row in band.data.chunks_exact_mut(shape.row()) {
                round_row(level, shape, &ranges, row);
                Moments::add_rows(level, shape, band.block, row, &mut moments);
            }
            moments
        })
        .collect();
    (ranges, Moments::statistics(&moments))
}

/// Rounds a row of all channels in place.
fn round_row(level: Level, shape: Blocks, ranges: &[Range], row: &mut [f32]) {
    for (line, range) in row.chunks_exact_mut(shape.line()).zip(ranges) {
        round_line(level, *range, line);
    }
}

multiversion! {
    fn round_line(range: Range, line: &mut [f32]) => round_line_generic;
}

#[inline(always)]
fn round_line_generic(range: Range, line: &mut [f32]) {
    let step = (range.high - range.low) / STEPS;
    // A constant channel.
    if step == 0.0 {
        return;
    }
    let per_step = 1.0 / step;
    for x in line {
        let position = ((*x - range.low) * per_step).clamp(-1.0, STEPS + 1.0);
        *x = ((position + ROUND) - ROUND) * step + range.low;
    }
}

multiversion! {
    /// Sets the gradients of results to 0 that were outside the range before they were `rounded`.
    pub(in crate::ops) fn clear_outside(
        range: Range,
        rounded: &[f32],
        gradient: &mut [f32],
    ) => clear_outside_generic;
}

#[inline(always)]
fn clear_outside_generic(range: Range, rounded: &[f32], gradient: &mut [f32]) {
    let half = 0.5 * (range.high - range.low) / STEPS;
    let (low, high) = (range.low - half, range.high + half);
    for (gradient, x) in gradient.iter_mut().zip(rounded) {
        *gradient = if (*x < low) | (*x > high) { 0.0 } else { *gradient };
    }
}

/// The rounding as a differentiable operation on a batch in blocks.
#[derive(Clone, Debug)]
pub struct Results {
    images: usize,
    level: Level,
    ranges: Arc<OnceLock<Vec<Range>>>,
}

impl Results {
    /// Returns the operation for a batch of `images`.
    pub fn new(images: usize, level: Level) -> Results {
        Results { images, level, ranges: Arc::default() }
    }

    /// Rounds results (blocks, height, channels, width, 16).
    ///
    /// # Errors
    /// Fails if the tensor is not f32 on the CPU.
    pub fn apply(self, results: &Tensor) -> Result<Tensor> {
        results.contiguous()?.apply_op1(self)
    }
}

impl CustomOp1 for Results {
    fn name(&self) -> &'static str {
        "rounded-results"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let shape = Blocks::of(layout.shape(), self.images)?;
        let mut results = elements(storage, layout)?.to_vec();
        let statistics = Statistics::of(self.level, shape, &results);
        let ranges = ranges(self.level, shape, &statistics, &results);
        let rows = results.par_chunks_exact_mut(shape.row());
        rows.for_each(|row| round_row(self.level, shape, &ranges, row));
        self.ranges.get_or_init(|| ranges);
        Ok((CpuStorage::F32(results), layout.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, rounded: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let shape = Blocks::of(rounded.shape(), self.images)?;
        let ranges = self.ranges.get_or_init(Vec::new);
        let mut result = with_elements(gradient, |gradient| Ok(gradient.to_vec()))?;
        with_elements(rounded, |rounded| {
            let rows = result.par_chunks_exact_mut(shape.row());
            rows.zip(rounded.par_chunks_exact(shape.row())).for_each(|(gradient, rounded)| {
                let lines = gradient.chunks_exact_mut(shape.line());
                for ((gradient, rounded), range) in
                    lines.zip(rounded.chunks_exact(shape.line())).zip(ranges)
                {
                    clear_outside(self.level, *range, rounded, gradient);
                }
            });
            Ok(())
        })?;
        Ok(Some(Tensor::from_vec(result, rounded.shape(), rounded.device())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::blocks::LANES;

    const SHAPE: Blocks = Blocks { images: 19, height: 11, channels: 3, width: 5 };

    /// Returns a batch whose last channel is constant, and whose dead lanes are far away.
    fn batch(outlier: f32) -> Vec<f32> {
        let value = |at: usize| {
            let (line, lane) = (at / SHAPE.line(), at % LANES);
            let dead = at / SHAPE.block() == 1 && lane >= 3;
            match line % 3 {
                _ if dead => 1e6,
                0 if at == 0 => outlier,
                0 => (at as f32 * 0.77).sin() * 3.0 + 1.0,
                1 => (at as f32 * 1.3).cos() * 1e-3 - 5.0,
                _ => 0.25,
            }
        };
        (0..SHAPE.elements()).map(value).collect()
    }

    fn rounded(level: Level, before: &[f32]) -> (Vec<f32>, Vec<Range>, Statistics) {
        let mut results = before.to_vec();
        let statistics = Statistics::of(level, SHAPE, before);
        let (ranges, after) = round(level, SHAPE, &statistics, &mut results);
        (results, ranges, after)
    }

    fn live(at: usize) -> bool {
        at / SHAPE.block() == 0 || at % LANES < 3
    }

    #[test]
    fn values_are_on_a_grid_of_each_channel_and_statistics_are_theirs() {
        for level in Level::available() {
            let before = batch(0.0);
            let (after, ranges, statistics) = rounded(level, &before);
            for (at, (x, y)) in before.iter().zip(&after).enumerate().filter(|(at, _)| live(*at)) {
                let Range { low, high } = ranges[at / SHAPE.line() % 3];
                let step = f64::from(high - low) / 253.0;
                assert!(*x >= low && *x <= high);
                assert!(f64::from(x - y).abs() <= 0.5001 * step + 1e-6, "{x} {y} {step}");
                if step > 0.0 {
                    let code = f64::from(y - low) / step;
                    let off = (code - code.round()).abs();
                    assert!(off < 0.13 && code > -0.2 && code < 253.2, "{level:?} {code}");
                }
            }
            assert_eq!((ranges[2].low, ranges[2].high), (0.25, 0.25));
            assert_eq!(statistics, Statistics::of(level, SHAPE, &after));
        }
    }

    #[test]
    fn an_outlier_is_cut_off_and_has_no_gradient() {
        let level = Level::detected();
        let before = batch(400.0);
        let (after, ranges, _) = rounded(level, &before);
        assert!(after[0] < 200.0 && after[0] > ranges[0].high && ranges[0].high < 200.0);
        let mut gradient = vec![1.0; SHAPE.line()];
        clear_outside(level, ranges[0], &after[..SHAPE.line()], &mut gradient);
        assert_eq!(gradient.iter().position(|g| *g == 0.0), Some(0));
        assert_eq!(gradient.iter().filter(|g| **g == 0.0).count(), 1);
        // The ends of the range themselves are inside, and so is a constant.
        let ends = [ranges[1].low, ranges[1].high];
        let mut row = [[ends[0]; LANES], [ends[1]; LANES]].concat();
        round_line(level, ranges[1], &mut row);
        let mut gradient = vec![1.0; row.len()];
        clear_outside(level, ranges[1], &row, &mut gradient);
        clear_outside(level, ranges[2], &[0.25; 32], &mut gradient);
        assert_eq!(gradient, vec![1.0; row.len()]);
    }

    #[test]
    fn nan_stays_nan() {
        let mut line = [0.0; LANES];
        line[3] = f32::NAN;
        round_line(Level::detected(), Range { low: -1.0, high: 1.0 }, &mut line);
        assert!(line[3].is_nan() && line[2].abs() < 0.01);
    }
}
