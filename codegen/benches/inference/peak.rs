//! The most that a core can compute: products and sums in registers, without memory.

use runtime::dispatch::Kernels;
use runtime::simd::{Simd, Task};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Sums that do not wait for each other.
const SUMS: usize = 12;
/// Products for each sum between two looks at the clock.
const PRODUCTS: usize = 100_000;

/// Returns the floating-point operations a second of the best instruction set: the fastest of
/// several attempts that take this long together.
pub(crate) fn flops(length: Duration) -> f64 {
    let (start, mut best) = (Instant::now(), 0.0f64);
    while start.elapsed() < length {
        let mut operations = 0;
        let begin = Instant::now();
        Kernels::detect().run(Products { operations: &mut operations });
        best = best.max(operations as f64 / begin.elapsed().as_secs_f64());
    }
    best
}

struct Products<'a> {
    operations: &'a mut usize,
}

impl Task for Products<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let factor = simd.splat(black_box(0.5));
        let mut sums = [simd.splat(black_box(1.0)); SUMS];
        for _ in 0..PRODUCTS {
            for sum in &mut sums {
                *sum = simd.mul_add(*sum, factor, factor);
            }
        }
        let mut last = vec![0.0; S::LANES];
        for sum in sums {
            simd.store(sum, &mut last);
            black_box(&last);
        }
        *self.operations = 2 * S::LANES * SUMS * PRODUCTS;
    }
}
