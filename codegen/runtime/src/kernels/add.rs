//! Residual connections: the addition of two tensors, and the shortcut that has no parameters.

use super::activation::Activation;
use super::norm::Norm;
use super::simd::{Kernels, Simd, Task};
use core::marker::PhantomData;

/// Elements that are computed together; the compiler makes vectors of them.
const BLOCK: usize = 16;

/// `to = F(to + norm(from))`, in place, for tensors whose channels have `plane` elements.
///
/// # Panics
/// If `from` and `to` differ in length.
pub fn add<F: Activation>(kernels: Kernels, plane: usize, norm: Option<Norm<'_>>, from: &[f32], to: &mut [f32]) {
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
    fn run<S: Simd>(self, _: S) {
        let planes = self.from.chunks_exact(self.plane).zip(self.to.chunks_exact_mut(self.plane));
        for (channel, (from, to)) in planes.enumerate() {
            add_channel::<F>(Norm::of(self.norm, channel), from, to);
        }
    }
}

#[inline(always)]
fn add_channel<F: Activation>(scale_and_shift: (f32, f32), from: &[f32], to: &mut [f32]) {
    let (from_blocks, mut to_blocks) = (from.chunks_exact(BLOCK), to.chunks_exact_mut(BLOCK));
    let from_rest = from_blocks.remainder();
    for (from, to) in from_blocks.zip(&mut to_blocks) {
        add_block::<F>(scale_and_shift, from, to);
    }
    let to_rest = to_blocks.into_remainder();
    let n = to_rest.len();
    let (mut padded_from, mut padded_to) = ([0.0; BLOCK], [0.0; BLOCK]);
    padded_from[..n].copy_from_slice(from_rest);
    padded_to[..n].copy_from_slice(to_rest);
    add_block::<F>(scale_and_shift, &padded_from, &mut padded_to);
    to_rest.copy_from_slice(&padded_to[..n]);
}

#[inline(always)]
fn add_block<F: Activation>((scale, shift): (f32, f32), from: &[f32], to: &mut [f32]) {
    for (from, to) in from.iter().zip(to) {
        *to = F::apply(*to + (from * scale + shift));
    }
}

/// The first of every `stride` rows and columns of a tensor of (channels, rows, columns); what is left of `to` is
/// filled with zeros, whole channels.
///
/// # Panics
/// If a slice is shorter than `shape` says.
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
