//! Batch normalisation as a scale and a shift per channel, in one pass with the activation that follows it.

use super::activation::Activation;
use super::simd::{Kernels, Simd, Task};

/// Elements that are computed together; the compiler makes vectors of them.
const BLOCK: usize = 16;

/// Batch normalisation: channel `c` becomes `x * scale[c] + shift[c]`.
#[derive(Clone, Copy)]
pub struct Norm<'a> {
    scale: &'a [f32],
    shift: &'a [f32],
}

impl<'a> Norm<'a> {
    /// From all scales followed by all shifts.
    pub fn new(scales_and_shifts: &'a [f32]) -> Self {
        let (scale, shift) = scales_and_shifts.split_at(scales_and_shifts.len() / 2);
        Norm { scale, shift }
    }

    /// The normalisation of one channel.
    pub(super) fn channel(self, channel: usize) -> Self {
        Norm { scale: &self.scale[channel..=channel], shift: &self.shift[channel..=channel] }
    }

    /// Scale and shift of a channel; of no normalisation, 1 and 0.
    #[inline(always)]
    pub(super) fn of(norm: Option<Norm<'_>>, channel: usize) -> (f32, f32) {
        norm.map_or((1.0, 0.0), |norm| (norm.scale[channel], norm.shift[channel]))
    }
}

/// Normalisation and activation of a whole tensor whose channels have `plane` elements.
///
/// # Panics
/// If `from` and `to` differ in length.
pub fn map<F: Activation>(kernels: Kernels, plane: usize, norm: Option<Norm<'_>>, from: &[f32], to: &mut [f32]) {
    assert_eq!(from.len(), to.len());
    kernels.run(Map::<F> { plane, norm, from, to, activation: core::marker::PhantomData });
}

struct Map<'a, F> {
    plane: usize,
    norm: Option<Norm<'a>>,
    from: &'a [f32],
    to: &'a mut [f32],
    activation: core::marker::PhantomData<F>,
}

impl<F: Activation> Task for Map<'_, F> {
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let planes = self.from.chunks_exact(self.plane).zip(self.to.chunks_exact_mut(self.plane));
        for (channel, (from, to)) in planes.enumerate() {
            map_channel::<F>(Norm::of(self.norm, channel), from, to);
        }
    }
}

/// `to[i] = F(from[i] * scale + shift)`. Where the length is no multiple of a block, the last block begins earlier and
/// some elements are computed twice.
#[inline(always)]
pub(super) fn map_channel<F: Activation>(scale_and_shift: (f32, f32), from: &[f32], to: &mut [f32]) {
    let n = from.len();
    if n < BLOCK {
        let (mut padded_from, mut padded_to) = ([0.0; BLOCK], [0.0; BLOCK]);
        padded_from[..n].copy_from_slice(from);
        map_block::<F>(scale_and_shift, &padded_from, &mut padded_to);
        to.copy_from_slice(&padded_to[..n]);
        return;
    }
    for start in (0..n).step_by(BLOCK) {
        let start = start.min(n - BLOCK);
        map_block::<F>(scale_and_shift, &from[start..start + BLOCK], &mut to[start..start + BLOCK]);
    }
}

#[inline(always)]
fn map_block<F: Activation>((scale, shift): (f32, f32), from: &[f32], to: &mut [f32]) {
    for (from, to) in from.iter().zip(to) {
        *to = F::apply(from * scale + shift);
    }
}
