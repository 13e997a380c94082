//! Vector instructions: chosen when the program runs, not when it is built.
//!
//! A value of a type that implements [`Simd`] is proof that the processor has those instructions;
//! [`Kernels::detect`] and [`Kernels::available`] are the only ways to get one.

use super::conv::{Planes, Taps};
#[cfg(target_arch = "aarch64")]
pub use super::simd_aarch64::Neon;
#[cfg(all(target_arch = "arm", target_os = "linux"))]
pub use super::simd_arm_neon::Neon;
#[cfg(target_arch = "arm")]
pub use super::simd_arm_vfp::Vfp;
#[cfg(target_arch = "x86_64")]
pub use super::simd_x86_64::{Avx2, Avx512};
use core::array::from_fn;

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
        sums: [[Self::Vector; VECTORS]; FILTERS],
    ) -> [[Self::Vector; VECTORS]; FILTERS] {
        taps.add::<Self, TILE, FILTERS, VECTORS>(self, from, sums)
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

/// Works on every processor.
#[derive(Clone, Copy, Debug)]
pub struct Scalar(());

/// What [`Simd`] asks for, with vectors of four plain numbers. As wide as the smallest vector
/// registers: where there are some, the compiler finds them.
macro_rules! plain_numbers {
    () => {
        type Vector = [f32; 4];
        const LANES: usize = 4;
        const REGISTERS: usize = 16;

        #[inline(always)]
        fn splat(self, x: f32) -> [f32; 4] {
            [x; 4]
        }

        #[inline(always)]
        fn load(self, from: &[f32]) -> [f32; 4] {
            let from = &from[..4];
            from_fn(|i| from[i])
        }

        #[inline(always)]
        fn store(self, vector: [f32; 4], to: &mut [f32]) {
            to[..4].copy_from_slice(&vector);
        }

        #[inline(always)]
        fn load_part(self, from: &[f32]) -> [f32; 4] {
            let mut vector = [0.0; 4];
            vector[..from.len()].copy_from_slice(from);
            vector
        }

        #[inline(always)]
        fn store_part(self, vector: [f32; 4], to: &mut [f32]) {
            to.copy_from_slice(&vector[..to.len()]);
        }

        #[inline(always)]
        fn add(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
            from_fn(|i| a[i] + b[i])
        }

        #[inline(always)]
        fn sub(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
            from_fn(|i| a[i] - b[i])
        }

        #[inline(always)]
        fn mul(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
            from_fn(|i| a[i] * b[i])
        }

        #[inline(always)]
        fn div(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
            from_fn(|i| a[i] / b[i])
        }

        #[inline(always)]
        fn mul_add(self, a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
            from_fn(|i| a[i] * b[i] + c[i])
        }

        #[inline(always)]
        fn sub_mul(self, a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
            from_fn(|i| a[i] - b[i] * c[i])
        }

        #[inline(always)]
        fn min(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
            from_fn(|i| if a[i] < b[i] { a[i] } else { b[i] })
        }

        #[inline(always)]
        fn abs(self, x: [f32; 4]) -> [f32; 4] {
            from_fn(|i| x[i].abs())
        }

        #[inline(always)]
        fn select(self, x: [f32; 4], left: [f32; 4], right: [f32; 4]) -> [f32; 4] {
            from_fn(|i| if x[i] < 0.0 { left[i] } else { right[i] })
        }

        #[inline(always)]
        fn exponent(self, x: [f32; 4]) -> [f32; 4] {
            from_fn(|i| f32::from_bits(x[i].to_bits() << 23))
        }

        // Tasks are large; one copy of each is enough.
        #[inline(never)]
        fn run<T: Task>(self, task: T) {
            task.run(self);
        }
    };
}
#[cfg(target_arch = "arm")]
pub(super) use plain_numbers;

impl Simd for Scalar {
    plain_numbers!();
}

/// The instruction set that the kernels use.
#[derive(Clone, Copy, Debug)]
pub enum Kernels {
    /// No special instructions. A microcontroller has no room for kernels that it does not need.
    #[cfg(not(all(target_arch = "arm", target_os = "none")))]
    Scalar(Scalar),
    /// NEON.
    #[cfg(any(target_arch = "aarch64", all(target_arch = "arm", target_os = "linux")))]
    Neon(Neon),
    /// The floating-point unit of 32-bit ARM.
    #[cfg(target_arch = "arm")]
    Vfp(Vfp),
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// AVX-512F.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl Kernels {
    /// The best that this processor has. Takes long on some virtual machines: do it once.
    pub fn detect() -> Kernels {
        let [first, second, third] = Kernels::available();
        first.or(second).or(third).expect("there is one that every processor can run")
    }

    /// All that this processor has, best first.
    pub fn available() -> [Option<Kernels>; 3] {
        #[cfg(target_arch = "x86_64")]
        return [
            Avx512::detect().map(Kernels::Avx512),
            Avx2::detect().map(Kernels::Avx2),
            Some(Kernels::Scalar(Scalar(()))),
        ];
        #[cfg(target_arch = "aarch64")]
        return [Neon::detect().map(Kernels::Neon), None, Some(Kernels::Scalar(Scalar(())))];
        #[cfg(all(target_arch = "arm", target_os = "linux"))]
        return [
            Neon::detect().map(Kernels::Neon),
            Vfp::detect().map(Kernels::Vfp),
            Some(Kernels::Scalar(Scalar(()))),
        ];
        #[cfg(all(target_arch = "arm", target_os = "none"))]
        return [Vfp::detect().map(Kernels::Vfp), None, None];
        #[cfg(not(any(target_arch = "aarch64", target_arch = "arm", target_arch = "x86_64")))]
        return [None, None, Some(Kernels::Scalar(Scalar(())))];
    }

    /// `avx512`, `avx2`, `neon`, `vfp` or `scalar`.
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(not(all(target_arch = "arm", target_os = "none")))]
            Kernels::Scalar(_) => "scalar",
            #[cfg(any(target_arch = "aarch64", all(target_arch = "arm", target_os = "linux")))]
            Kernels::Neon(_) => "neon",
            #[cfg(target_arch = "arm")]
            Kernels::Vfp(_) => "vfp",
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx512(_) => "avx512",
        }
    }

    /// Kernels with shorter vectors of the same processor where half of the long ones would stay
    /// empty.
    pub(super) fn for_rows_of(self, width: usize) -> Kernels {
        match (self, width) {
            #[cfg(target_arch = "x86_64")]
            (Kernels::Avx512(simd), ..=8) => Kernels::Avx2(simd.into()),
            (kernels, _) => kernels,
        }
    }

    /// Runs a task with these instructions.
    pub fn run<T: Task>(self, task: T) {
        match self {
            #[cfg(not(all(target_arch = "arm", target_os = "none")))]
            Kernels::Scalar(simd) => simd.run(task),
            #[cfg(any(target_arch = "aarch64", all(target_arch = "arm", target_os = "linux")))]
            Kernels::Neon(simd) => simd.run(task),
            #[cfg(target_arch = "arm")]
            Kernels::Vfp(simd) => simd.run(task),
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx2(simd) => simd.run(task),
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx512(simd) => simd.run(task),
        }
    }
}
