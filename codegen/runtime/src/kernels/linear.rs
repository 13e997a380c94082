//! The fully connected layer.

use super::dispatch::Kernels;
use super::simd::{Simd, Task};

/// Partial sums that are computed side by side; the compiler turns them into vectors.
const LANES: usize = 16;

/// Computes `to[o] = bias[o] + sum over i of weights[o][i] * from[i]`.
///
/// # Panics
/// Panics if `weights` has not `from.len()` elements for each output.
pub fn linear(kernels: Kernels, weights: &[f32], bias: &[f32], from: &[f32], to: &mut [f32]) {
    assert_eq!((weights.len(), bias.len()), (from.len() * to.len(), to.len()));
    kernels.run(Linear { weights, bias, from, to });
}

struct Linear<'a> {
    weights: &'a [f32],
    bias: &'a [f32],
    from: &'a [f32],
    to: &'a mut [f32],
}

impl Task for Linear<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let rows = self.weights.chunks_exact(self.from.len()).zip(self.bias);
        for (to, (row, bias)) in self.to.iter_mut().zip(rows) {
            *to = dot(row, self.from) + bias;
        }
    }
}

#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let mut sums = [0.0; LANES];
    for (sum, (a, b)) in sums.iter_mut().zip(a.remainder().iter().zip(b.remainder())) {
        *sum += a * b;
    }
    for (a, b) in a.zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}
