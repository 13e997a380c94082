//! Residual connections: the addition of two tensors, and the shortcut that has no parameters.

use super::activation::Activation;
use super::dispatch::Kernels;
use super::norm::Norm;
use super::simd::{Simd, Task};
use core::marker::PhantomData;

/// Computes `to = F(to + norm(from))` in place, for tensors whose channels have `plane` elements.
///
/// # Panics
/// Panics if `from` and `to` differ in length.
pub fn add<F: Activation>(
    kernels: Kernels,
    plane: usize,
    norm: Option<Norm<'_>>,
    from: &[f32],
    to: &mut [f32],
) {
    assert_eq!(from.len(), to.len());
    kernels.run(Add::<F> { plane, norm, from, to, activation: PhantomData });
}

struct Add<'a, F> {
    plane: usize,
    norm: Option<Norm<'a>>,
    from: &'a [f32],
    to: &'a mut [f32],
    activation: PhantomData<F>,
}

impl<F: Activation> Task for Add<'_, F> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let planes = self.from.chunks_exact(self.plane).zip(self.to.chunks_exact_mut(self.plane));
        for (channel, (from, to)) in planes.enumerate() {
            add_channel::<F, S>(simd, Norm::of(self.norm, channel), from, to);
        }
    }
}

#[inline(always)]
fn add_channel<F: Activation, S: Simd>(
    simd: S,
    (scale, shift): (f32, f32),
    from: &[f32],
    to: &mut [f32],
) {
    let (scale, shift) = (simd.splat(scale), simd.splat(shift));
    let sum = |to, from| F::apply(simd, simd.add(to, simd.mul_add(from, scale, shift)));
    let (vectors, mut to_vectors) = (from.chunks_exact(S::LANES), to.chunks_exact_mut(S::LANES));
    let rest = vectors.remainder();
    for (from, to) in vectors.zip(&mut to_vectors) {
        simd.store(sum(simd.load(to), simd.load(from)), to);
    }
    let to = to_vectors.into_remainder();
    simd.store_part(sum(simd.load_part(to), simd.load_part(rest)), to);
}

/// Copies the first of every `stride` rows and columns of a tensor of (channels, rows, columns);
/// fills the rest of `to`, whole channels, with zeros.
///
/// # Panics
/// Panics if a slice is shorter than `shape` says.
pub fn shortcut(shape: [usize; 3], stride: usize, from: &[f32], to: &mut [f32]) {
    let [channels, height, width] = shape;
    let (out_height, out_width) = (height.div_ceil(stride), width.div_ceil(stride));
    let (taken, zeros) = to.split_at_mut(channels * out_height * out_width);
    for (row, to) in taken.chunks_exact_mut(out_width).enumerate() {
        let (channel, row) = (row / out_height, row % out_height);
        let from = &from[(channel * height + row * stride) * width..][..width];
        for (to, from) in to.iter_mut().zip(from.iter().step_by(stride)) {
            *to = *from;
        }
    }
    zeros.fill(0.0);
}
