//! Pooling of a tensor that is normalised and activated on the way in, channel by channel.

use super::activation::Activation;
use super::dispatch::Kernels;
use super::norm::{Norm, Rows, map_rows};
use super::simd::{Simd, Task};
use core::marker::PhantomData;

/// Partial results that are computed side by side; the compiler turns them into vectors.
const LANES: usize = 16;

/// Computes the averages of non-overlapping squares of side `size`; rows and columns that do not
/// fill a square are left out.
///
/// `shape` is the input's (channels, rows, columns); `scratch` holds `size` rows. Without `from`,
/// the input is in `to` and the result replaces its beginning.
///
/// # Panics
/// Panics if a slice is shorter than `shape` says.
pub fn average_pool<F: Activation>(
    kernels: Kernels,
    shape: [usize; 3],
    size: usize,
    norm: Option<Norm<'_>>,
    from: Option<&[f32]>,
    to: &mut [f32],
    scratch: &mut [f32],
) {
    kernels.run(AveragePool::<F> { shape, size, norm, from, to, scratch, activation: PhantomData });
}

struct AveragePool<'a, F> {
    shape: [usize; 3],
    size: usize,
    norm: Option<Norm<'a>>,
    from: Option<&'a [f32]>,
    to: &'a mut [f32],
    scratch: &'a mut [f32],
    activation: PhantomData<F>,
}

impl<F: Activation> Task for AveragePool<'_, F> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let ([channels, height, width], size) = (self.shape, self.size);
        let (out_height, out_width) = (height / size, width / size);
        let scratch = &mut self.scratch[..size * width];
        for channel in 0..channels {
            let norm = Norm::of(self.norm, channel);
            for row in 0..out_height {
                let from = self.from.unwrap_or(self.to);
                let from = &from[(channel * height + row * size) * width..][..size * width];
                map_rows::<F, S>(simd, Rows::one(norm, from, &mut *scratch));
                let to = &mut self.to[(channel * out_height + row) * out_width..][..out_width];
                average_squares(scratch, size, to);
            }
        }
    }
}

/// Computes one row of averages from `size` rows.
#[inline(always)]
fn average_squares(rows: &mut [f32], size: usize, to: &mut [f32]) {
    let width = rows.len() / size;
    let (sums, others) = rows.split_at_mut(width);
    for row in others.chunks_exact(width) {
        sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    let factor = 1.0 / (size * size) as f32;
    if size == 2 {
        // With a constant length the compiler vectorises the loop.
        to.iter_mut()
            .zip(sums.chunks_exact(2))
            .for_each(|(to, pair)| *to = (pair[0] + pair[1]) * factor);
    } else {
        to.iter_mut()
            .zip(sums.chunks_exact(size))
            .for_each(|(to, sums)| *to = sums.iter().sum::<f32>() * factor);
    }
}

/// The reduction of a channel to one value in [`global_pool`].
pub trait Reduce {
    /// The total before the first element.
    const START: f32;
    /// Adds one more element to the total.
    fn add(total: f32, x: f32) -> f32;
    /// Returns the result for `count` elements.
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

/// Reduces each channel of `plane` elements to one value. `to` has one element for each channel,
/// `scratch` holds one channel.
///
/// # Panics
/// Panics if a slice is shorter.
pub fn global_pool<F: Activation, R: Reduce>(
    kernels: Kernels,
    plane: usize,
    norm: Option<Norm<'_>>,
    from: &[f32],
    to: &mut [f32],
    scratch: &mut [f32],
) {
    kernels.run(GlobalPool::<F, R> { plane, norm, from, to, scratch, functions: PhantomData });
}

struct GlobalPool<'a, F, R> {
    plane: usize,
    norm: Option<Norm<'a>>,
    from: &'a [f32],
    to: &'a mut [f32],
    scratch: &'a mut [f32],
    functions: PhantomData<(F, R)>,
}

impl<F: Activation, R: Reduce> Task for GlobalPool<'_, F, R> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let values = &mut self.scratch[..self.plane];
        for (channel, to) in self.to.iter_mut().enumerate() {
            let from = &self.from[channel * self.plane..][..self.plane];
            let norm = Norm::of(self.norm, channel);
            map_rows::<F, S>(simd, Rows::one(norm, from, &mut *values));
            *to = reduce::<R>(values);
        }
    }
}

#[inline(always)]
fn reduce<R: Reduce>(values: &[f32]) -> f32 {
    let mut totals = [R::START; LANES];
    let blocks = values.chunks_exact(LANES);
    for (total, x) in totals.iter_mut().zip(blocks.remainder()) {
        *total = R::add(*total, *x);
    }
    for block in blocks {
        for (total, x) in totals.iter_mut().zip(block) {
            *total = R::add(*total, *x);
        }
    }
    R::finish(totals.into_iter().fold(R::START, R::add), values.len())
}
