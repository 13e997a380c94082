//! Vector instructions: the operations that kernels are made of. `simd/` has a file for each
//! instruction set that implements them.
//!
//! A value of a type that implements [`Simd`] is proof that the processor has those instructions:
//! only the types' `detect` functions make one.

#[cfg(target_arch = "aarch64")]
pub mod aarch64;
#[cfg(all(target_arch = "arm", target_os = "linux"))]
pub mod neon;
#[cfg(not(target_arch = "x86_64"))]
pub mod scalar;
#[cfg(target_arch = "arm")]
pub mod vfp;
#[cfg(target_arch = "x86_64")]
pub mod x86_64;

use super::taps::{Planes, Taps};

/// The most lanes that a vector of some instruction set has.
pub const MAX_LANES: usize = 16;

/// An instruction set: the few operations that kernels are made of. Loops over plain numbers are
/// left to the compiler, which may use the whole instruction set inside [`Simd::run`].
pub trait Simd: Copy {
    /// A register of [`Simd::LANES`] values. Operations are lane by lane.
    type Vector: Copy;
    /// Number of values in a vector.
    const LANES: usize;
    /// Number of vector registers.
    const REGISTERS: usize;
    /// The most vectors of each filter that [`Simd::add_taps`] takes.
    const MOST_VECTORS: usize = 2;

    /// Returns `x` in all lanes.
    fn splat(self, x: f32) -> Self::Vector;
    /// Loads the first values of `from`; panics if it is shorter than a vector.
    fn load(self, from: &[f32]) -> Self::Vector;
    /// Stores to the beginning of `to`; panics if it is shorter than a vector.
    fn store(self, vector: Self::Vector, to: &mut [f32]);
    /// Loads all of `from`, and zeros; panics if it is longer than a vector.
    fn load_part(self, from: &[f32]) -> Self::Vector;
    /// Stores as many values as fill `to`; panics if it is longer than a vector.
    fn store_part(self, vector: Self::Vector, to: &mut [f32]);
    /// Returns `a + b`.
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Returns `a - b`.
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Returns `a * b`.
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Returns `a / b`.
    fn div(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Returns `a * b + c`, rounded once if the processor has such an instruction.
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// Returns `a - b * c`, rounded once if the processor has such an instruction.
    fn sub_mul(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// Returns the smaller one of `a` and `b`.
    fn min(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Returns `|x|`.
    fn abs(self, x: Self::Vector) -> Self::Vector;
    /// Returns `left` where `x < 0`, and `right` elsewhere.
    fn select(self, x: Self::Vector, left: Self::Vector, right: Self::Vector) -> Self::Vector;
    /// Returns the number whose sign and exponent field are the low nine bits of `x`; its other
    /// bits are 0.
    fn exponent(self, x: Self::Vector) -> Self::Vector;
    /// Returns the lanes of both vectors with even indices, and those with odd indices.
    #[inline(always)]
    fn deal(self, first: Self::Vector, second: Self::Vector) -> [Self::Vector; 2] {
        let (mut all, mut dealt) = ([0.0; 2 * MAX_LANES], [0.0; 2 * MAX_LANES]);
        self.store(first, &mut all);
        self.store(second, &mut all[Self::LANES..]);
        for index in 0..Self::LANES {
            dealt[index] = all[2 * index];
            dealt[Self::LANES + index] = all[2 * index + 1];
        }
        [self.load(&dealt), self.load(&dealt[Self::LANES..])]
    }
    /// Loads vectors of planes that are `distance` apart, at the same places in each plane.
    ///
    /// # Panics
    /// Panics if `planes` is too short.
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
    /// Stores vectors where [`Simd::load_planes`] would load them.
    ///
    /// # Panics
    /// Panics if `planes` is too short.
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
    /// Does what [`Simd::add_taps`] does to sums in planes, or to zeros if `are_zero`, and returns
    /// `true`. Returns `false` if the instruction set has no faster way than to load the sums, add
    /// to them and store them.
    ///
    /// # Panics
    /// Panics if a slice is too short.
    #[inline(always)]
    fn add_taps_to_planes<const FILTERS: usize, const VECTORS: usize>(
        self,
        _taps: &Taps<'_>,
        _from: [usize; VECTORS],
        _are_zero: bool,
        _to: Planes<'_, VECTORS>,
    ) -> bool {
        false
    }
    /// Adds to `sums` the contributions of some channels of a convolution: sums of `FILTERS`
    /// filters of a tile, each for the vectors that begin at `from` in a padded plane. By value, so
    /// that they stay in registers.
    ///
    /// # Panics
    /// Panics if a slice of `taps` is too short.
    #[inline(always)]
    fn add_taps<const FILTERS: usize, const VECTORS: usize>(
        self,
        taps: &Taps<'_>,
        from: [usize; VECTORS],
        mut sums: [[Self::Vector; VECTORS]; FILTERS],
    ) -> [[Self::Vector; VECTORS]; FILTERS] {
        let Taps { tile, start, channels, kernel, plane_len, rows, columns, .. } = *taps;
        let mut weights = taps.weights.chunks_exact(tile);
        for channel in 0..channels {
            let (mut row_phase, mut row) = (0, 0);
            for _ in 0..kernel {
                let line = &taps.planes[channel * plane_len + row_phase + row..];
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
                    phase += columns.step;
                    if phase == columns.end {
                        (phase, column) = (0, column + columns.next);
                    }
                }
                row_phase += rows.step;
                if row_phase == rows.end {
                    (row_phase, row) = (0, row + rows.next);
                }
            }
        }
        sums
    }
    /// Runs a task in code that is compiled for this instruction set. Tasks are large; one copy of
    /// each is enough.
    #[inline(never)]
    fn run<T: Task>(self, task: T) {
        task.run(self);
    }
}

/// A piece of work that is compiled once for each instruction set. Its `run` and all functions that
/// it calls must be `#[inline(always)]`, or they are compiled for the baseline only.
pub trait Task {
    /// Does the work.
    fn run<S: Simd>(self, simd: S);
}
