//! Batch normalisation as a scale and a shift per channel, in one pass with the activation that
//! follows it.

use super::activation::{Activation, Identity};
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
            let norm = Norm::of(self.norm, channel);
            map_rows::<F, S>(simd, Rows::one(norm, from, to));
        }
    }
}

/// Rows of one channel to be normalised and activated.
pub(super) struct Rows<'a> {
    /// Scale and shift.
    norm: (f32, f32),
    from: &'a [f32],
    /// Columns of a row.
    width: usize,
    to: &'a mut [f32],
    /// The distance from row to row in `to`.
    pitch: usize,
}

impl<'a> Rows<'a> {
    /// Returns rows of `width` columns that become rows which are `pitch` elements apart.
    #[inline(always)]
    pub(super) fn new(
        norm: (f32, f32),
        from: &'a [f32],
        width: usize,
        to: &'a mut [f32],
        pitch: usize,
    ) -> Self {
        Rows { norm, from, width, to, pitch }
    }

    /// Returns all of `from` as one row.
    #[inline(always)]
    pub(super) fn one(norm: (f32, f32), from: &'a [f32], to: &'a mut [f32]) -> Self {
        Rows::new(norm, from, from.len(), to, from.len())
    }
}

/// Computes `to = F(from * scale + shift)` for rows of one channel.
pub(super) fn map_rows<F: Activation, S: Simd>(simd: S, rows: Rows<'_>) {
    simd.run(MapRows::<F> { rows, activation: PhantomData });
}

/// A task of its own so that there is one copy of it for each activation.
struct MapRows<'a, F> {
    rows: Rows<'a>,
    activation: PhantomData<F>,
}

impl<F: Activation> Task for MapRows<'_, F> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Rows { norm, from, width, to, pitch } = self.rows;
        let norm = (simd.splat(norm.0), simd.splat(norm.1));
        for (row, from) in from.chunks_exact(width).enumerate() {
            map_row::<F, S>(simd, norm, from, &mut to[row * pitch..][..width]);
        }
    }
}

/// Maps one row. If its length is no multiple of a vector, the last vector begins earlier and some
/// elements are computed twice.
#[inline(always)]
fn map_row<F: Activation, S: Simd>(
    simd: S,
    (scale, shift): (S::Vector, S::Vector),
    from: &[f32],
    to: &mut [f32],
) {
    let map = |x: S::Vector| F::apply(simd, simd.mul_add(x, scale, shift));
    for (from, to) in from.chunks_exact(S::LANES).zip(to.chunks_exact_mut(S::LANES)) {
        simd.store(map(simd.load(from)), to);
    }
    let rest = from.len() % S::LANES;
    if rest != 0 {
        let last = from.len().checked_sub(S::LANES);
        let x = match last {
            Some(last) => simd.load(&from[last..]),
            None => simd.load_part(from),
        };
        let x = map(x);
        match last {
            Some(last) => simd.store(x, &mut to[last..]),
            None => simd.store_part(x, to),
        }
    }
}

/// Copies one row.
#[inline(always)]
pub(super) fn copy_row<S: Simd>(simd: S, from: &[f32], to: &mut [f32]) {
    map_row::<Identity, S>(simd, (simd.splat(1.0), simd.splat(0.0)), from, to);
}
