//! Batch normalisation as a scale and a shift per channel, in one pass with the activation that
//! follows it.

use super::activation::Activation;
use super::dispatch::Kernels;
use super::simd::{Simd, Task};
use core::marker::PhantomData;

/// Batch normalisation: channel `c` becomes `x * scale[c] + shift[c]`.
#[derive(Clone, Copy)]
pub struct Norm<'a> {
    scale: &'a [f32],
    shift: &'a [f32],
}

impl<'a> Norm<'a> {
    /// Returns the normalisation with these scales and shifts: all scales, then all shifts.
    pub fn new(scales_and_shifts: &'a [f32]) -> Self {
        let (scale, shift) = scales_and_shifts.split_at(scales_and_shifts.len() / 2);
        Norm { scale, shift }
    }

    /// Returns scale and shift of a channel; 1 and 0 without a normalisation.
    #[inline(always)]
    pub(super) fn of(norm: Option<Norm<'_>>, channel: usize) -> (f32, f32) {
        norm.map_or((1.0, 0.0), |norm| (norm.scale[channel], norm.shift[channel]))
    }
}

/// Normalises and activates a tensor whose channels have `plane` elements.
///
/// # Panics
/// Panics if `from` and `to` differ in length.
pub fn norm_activation<F: Activation>(
    kernels: Kernels,
    plane: usize,
    norm: Option<Norm<'_>>,
    from: &[f32],
    to: &mut [f32],
) {
    assert_eq!(from.len(), to.len());
    kernels.run(NormActivation::<F> { plane, norm, from, to, activation: PhantomData });
}

struct NormActivation<'a, F> {
    plane: usize,
    norm: Option<Norm<'a>>,
    from: &'a [f32],
    to: &'a mut [f32],
    activation: PhantomData<F>,
}

impl<F: Activation> Task for NormActivation<'_, F> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let planes = self.from.chunks_exact(self.plane).zip(self.to.chunks_exact_mut(self.plane));
        for (channel, (from, to)) in planes.enumerate() {
            map_row::<F, S>(simd, Norm::of(self.norm, channel), from, to);
        }
    }
}

/// Computes `to[i] = F(from[i] * scale + shift)`. If the length is no multiple of a vector, the
/// last vector begins earlier and some elements are computed twice.
///
/// # Panics
/// Panics if `to` is shorter than `from`.
// On 32-bit ARM, where memory may be scarce, there is one copy for each activation.
#[cfg_attr(target_arch = "arm", inline(never))]
#[cfg_attr(not(target_arch = "arm"), inline(always))]
pub(super) fn map_row<F: Activation, S: Simd>(
    simd: S,
    (scale, shift): (f32, f32),
    from: &[f32],
    to: &mut [f32],
) {
    let (length, to) = (from.len(), &mut to[..from.len()]);
    let norm = (simd.splat(scale), simd.splat(shift));
    if length < S::LANES {
        simd.store_part(map_vector::<F, S>(simd, norm, simd.load_part(from)), to);
        return;
    }
    for (from, to) in from.chunks_exact(S::LANES).zip(to.chunks_exact_mut(S::LANES)) {
        simd.store(map_vector::<F, S>(simd, norm, simd.load(from)), to);
    }
    if length % S::LANES != 0 {
        let last = length - S::LANES;
        simd.store(map_vector::<F, S>(simd, norm, simd.load(&from[last..])), &mut to[last..]);
    }
}

#[inline(always)]
fn map_vector<F: Activation, S: Simd>(
    simd: S,
    (scale, shift): (S::Vector, S::Vector),
    x: S::Vector,
) -> S::Vector {
    F::apply(simd, simd.mul_add(x, scale, shift))
}
