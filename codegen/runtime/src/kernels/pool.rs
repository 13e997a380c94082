//! Pooling of a tensor that is normalised and activated on the way in, channel by channel.

use super::activation::Activation;
use super::norm::{Norm, map};
use super::simd::{Kernels, Simd, Task};
use core::marker::PhantomData;

/// Partial results that are taken side by side; the compiler makes vectors of them.
const LANES: usize = 16;

/// The averages of non-overlapping squares of side `size`; rows and columns that do not fill a square are left out.
///
/// `shape` is the input's (channels, rows, columns); `scratch` holds one channel.
///
/// # Panics
/// If a slice is shorter than `shape` says.
pub fn average_pool<F: Activation>(
    kernels: Kernels,
    shape: [usize; 3],
    size: usize,
    norm: Option<Norm<'_>>,
    from: &[f32],
    to: &mut [f32],
    scratch: &mut [f32],
) {
    let [channels, height, width] = shape;
    let (out_height, out_width) = (height / size, width / size);
    for (channel, to) in to.chunks_exact_mut(out_height * out_width).take(channels).enumerate() {
        // The rows that are left out need not be activated either.
        let from = &from[channel * height * width..][..out_height * size * width];
        let rows = &mut scratch[..from.len()];
        map::<F>(kernels, from.len(), norm.map(|norm| norm.channel(channel)), from, rows);
        kernels.run(AverageSquares { width, size, rows, to });
    }
}

/// Average pooling of one channel.
struct AverageSquares<'a> {
    width: usize,
    size: usize,
    rows: &'a [f32],
    to: &'a mut [f32],
}

impl Task for AverageSquares<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let AverageSquares { width, size, rows, to } = self;
        let factor = 1.0 / (size * size) as f32;
        for (to, rows) in to.chunks_exact_mut(width / size).zip(rows.chunks_exact(size * width)) {
            for (column, to) in to.iter_mut().enumerate() {
                let mut sum = 0.0;
                for row in rows.chunks_exact(width) {
                    sum += row[column * size..][..size].iter().sum::<f32>();
                }
                *to = sum * factor;
            }
        }
    }
}

/// How [`global_pool`] makes one value of a channel.
pub trait Reduce {
    /// What is there before the first element.
    const START: f32;
    /// Takes one more element in.
    fn add(total: f32, x: f32) -> f32;
    /// The result for `count` elements.
    fn finish(total: f32, count: usize) -> f32;
}

/// The average.
pub struct Average;

impl Reduce for Average {
    const START: f32 = 0.0;

    #[inline(always)]
    fn add(total: f32, x: f32) -> f32 {
        total + x
    }

    #[inline(always)]
    fn finish(total: f32, count: usize) -> f32 {
        total / count as f32
    }
}

/// The largest value.
pub struct Max;

impl Reduce for Max {
    const START: f32 = f32::NEG_INFINITY;

    #[inline(always)]
    fn add(total: f32, x: f32) -> f32 {
        if x > total { x } else { total }
    }

    #[inline(always)]
    fn finish(total: f32, _: usize) -> f32 {
        total
    }
}

/// One value for each channel of `plane` elements; `to` has as many as there are channels, `scratch` holds one channel.
///
/// # Panics
/// If a slice is shorter than that.
pub fn global_pool<F: Activation, R: Reduce>(
    kernels: Kernels,
    plane: usize,
    norm: Option<Norm<'_>>,
    from: &[f32],
    to: &mut [f32],
    scratch: &mut [f32],
) {
    let values = &mut scratch[..plane];
    for (channel, to) in to.iter_mut().enumerate() {
        let from = &from[channel * plane..][..plane];
        map::<F>(kernels, plane, norm.map(|norm| norm.channel(channel)), from, values);
        kernels.run(ReduceChannel::<R> { values, to, reduce: PhantomData });
    }
}

struct ReduceChannel<'a, R> {
    values: &'a [f32],
    to: &'a mut f32,
    reduce: PhantomData<R>,
}

impl<R: Reduce> Task for ReduceChannel<'_, R> {
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let mut totals = [R::START; LANES];
        let blocks = self.values.chunks_exact(LANES);
        for (total, x) in totals.iter_mut().zip(blocks.remainder()) {
            *total = R::add(*total, *x);
        }
        for block in blocks {
            for (total, x) in totals.iter_mut().zip(block) {
                *total = R::add(*total, *x);
            }
        }
        *self.to = R::finish(totals.into_iter().fold(R::START, R::add), self.values.len());
    }
}
