//! Vector instructions: the operations that kernels are made of. `simd/` has a file for each
//! instruction set that implements them.
//!
//! A value of a type that implements [`Simd`] is proof that the processor has those instructions:
//! only the types' `detect` functions make one.

#[cfg(target_arch = "aarch64")]
pub mod aarch64;
#[cfg(all(target_arch = "arm", target_os = "linux"))]
pub mod neon;
pub mod scalar;
#[cfg(target_arch = "arm")]
pub mod vfp;
#[cfg(target_arch = "x86_64")]
pub mod x86_64;

use super::taps::{Planes, Taps};

/// The most lanes that a vector of some instruction set has.
pub const MAX_LANES: usize = 16;

/// One instruction set and the few operations that kernels are made of. Loops over plain numbers
/// are left to the compiler, which may use the whole instruction set inside [`Simd::run`].
pub trait Simd: Copy {
    /// [`Simd::LANES`] values in a register. Operations are lane by lane.
    type Vector: Copy;
    /// Values in a vector.
    const LANES: usize;
    /// Vector registers that there are.
    const REGISTERS: usize;

    /// The same value in all lanes.
    fn splat(self, x: f32) -> Self::Vector;
    /// The first values of `from`; panics if it is shorter than a vector.
    fn load(self, from: &[f32]) -> Self::Vector;
    /// Writes to the beginning of `to`; panics if it is shorter than a vector.
    fn store(self, vector: Self::Vector, to: &mut [f32]);
    /// All of `from`, and zeros; panics if it is longer than a vector.
    fn load_part(self, from: &[f32]) -> Self::Vector;
    /// The first values of a vector, as many as fill `to`; panics if it is longer than a vector.
    fn store_part(self, vector: Self::Vector, to: &mut [f32]);
    /// `a + b`.
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a - b`.
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a * b`.
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a / b`.
    fn div(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a * b + c`, rounded once where there is an instruction that does.
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// `a - b * c`, rounded once where there is an instruction that does.
    fn sub_mul(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// The smaller one.
    fn min(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `|x|`.
    fn abs(self, x: Self::Vector) -> Self::Vector;
    /// `left` where `x < 0`, `right` elsewhere.
    fn select(self, x: Self::Vector, left: Self::Vector, right: Self::Vector) -> Self::Vector;
    /// The number whose sign and exponent field are the low nine bits of `x`, and all else of which
    /// is 0.
    fn exponent(self, x: Self::Vector) -> Self::Vector;
    /// Vectors of planes that are `distance` apart, at the same places in each.
    ///
    /// # Panics
    /// If `planes` is too short.
    #[inline(always)]
    fn load_planes<const PLANES: usize, const VECTORS: usize>(
        self,
        planes: &[f32],
        distance: usize,
        places: [usize; VECTORS],
    ) -> [[Self::Vector; VECTORS]; PLANES] {
        let mut vectors = [[self.splat(0.0); VECTORS]; PLANES];
        for (plane, vectors) in vectors.iter_mut().enumerate() {
            for (vector, place) in vectors.iter_mut().zip(&places) {
                *vector = self.load(&planes[plane * distance + place..]);
            }
        }
        vectors
    }
    /// Stores what [`Simd::load_planes`] would load.
    ///
    /// # Panics
    /// If `planes` is too short.
    #[inline(always)]
    fn store_planes<const PLANES: usize, const VECTORS: usize>(
        self,
        vectors: [[Self::Vector; VECTORS]; PLANES],
        planes: &mut [f32],
        distance: usize,
        places: [usize; VECTORS],
    ) {
        for plane in 0..PLANES {
            for vector in 0..VECTORS {
                self.store(
                    vectors[plane][vector],
                    &mut planes[plane * distance + places[vector]..],
                );
            }
        }
    }
    /// What [`Simd::add_taps`] does, to sums that lie in planes or are 0 so far; `false` where that
    /// is not to be done in one go. Where it is, sums need not pass through memory of their own.
    ///
    /// # Panics
    /// If a slice is too short.
    #[inline(always)]
    fn add_taps_to_planes<const TILE: usize, const FILTERS: usize, const VECTORS: usize>(
        self,
        _taps: &Taps<'_>,
        _from: [usize; VECTORS],
        _are_zero: bool,
        _to: Planes<'_, VECTORS>,
    ) -> bool {
        false
    }
    /// `sums`, and what some channels of a convolution add to them: sums of `FILTERS` filters of a
    /// tile, in each of vectors that begin at `from` in a padded plane. By value, so that they stay
    /// in registers.
    ///
    /// # Panics
    /// If the slices of `taps` are shorter than it says.
    #[inline(always)]
    fn add_taps<const TILE: usize, const FILTERS: usize, const VECTORS: usize>(
        self,
        taps: &Taps<'_>,
        from: [usize; VECTORS],
        mut sums: [[Self::Vector; VECTORS]; FILTERS],
    ) -> [[Self::Vector; VECTORS]; FILTERS] {
        let Taps { start, channels, kernel, plane_len, pitch, phase_len, .. } = *taps;
        let mut weights = taps.weights.chunks_exact(TILE);
        for channel in 0..channels {
            for row in 0..kernel {
                let line = &taps.planes[channel * plane_len + row * pitch..];
                let (mut phase, mut column) = (0, 0);
                for weights in weights.by_ref().take(kernel) {
                    let mut x = [self.splat(0.0); VECTORS];
                    for (x, from) in x.iter_mut().zip(&from) {
                        *x = self.load(&line[*from + phase + column..]);
                    }
                    for (sums, weight) in sums.iter_mut().zip(&weights[start..start + FILTERS]) {
                        let weight = self.splat(*weight);
                        for (sum, x) in sums.iter_mut().zip(&x) {
                            *sum = self.mul_add(*x, weight, *sum);
                        }
                    }
                    phase += phase_len;
                    if phase == pitch {
                        (phase, column) = (0, column + 1);
                    }
                }
            }
        }
        sums
    }
    /// Runs a task in code that is compiled for this instruction set.
    fn run<T: Task>(self, task: T);
}

/// A piece of work that is compiled once for each instruction set. Its `run` and all that it calls
/// must be `#[inline(always)]`, or it will be compiled for the least of them.
pub trait Task {
    /// Does the work.
    fn run<S: Simd>(self, simd: S);
}
