//! Vector instructions: chosen when the program runs, not when it is built.
//!
//! A value of a type that implements [`Simd`] is proof that the processor has those instructions; [`Kernels::detect`]
//! and [`Kernels::available`] are the only ways to get one.

#[cfg(target_arch = "x86_64")]
pub use super::simd_x86_64::{Avx2, Avx512};

/// The widest strip of all instruction sets; every width divides it.
pub const MAX_WIDTH: usize = 32;

/// One instruction set and the few operations that the convolution is made of. Everything else is left to the compiler,
/// which may use the whole instruction set inside [`Simd::run`].
pub trait Simd: Copy {
    /// [`Simd::WIDTH`] consecutive values in registers.
    type Strip: Copy;
    /// Values in a strip.
    const WIDTH: usize;

    /// A strip of zeros.
    fn zero(self) -> Self::Strip;
    /// The first values of `from`; panics if it is shorter than a strip.
    fn load(self, from: &[f32]) -> Self::Strip;
    /// Writes to the beginning of `to`; panics if it is shorter than a strip.
    fn store(self, strip: Self::Strip, to: &mut [f32]);
    /// `sum + x * weight`.
    fn mul_add(self, sum: Self::Strip, x: Self::Strip, weight: f32) -> Self::Strip;
    /// Runs a task in code that is compiled for this instruction set.
    fn run<T: Task>(self, task: T);
}

/// A piece of work that is compiled once for each instruction set. Its `run` and all that it calls must be
/// `#[inline(always)]`, or it will be compiled for the least of them.
pub trait Task {
    /// Does the work.
    fn run<S: Simd>(self, simd: S);
}

/// Works on every processor.
#[derive(Clone, Copy, Debug)]
pub struct Scalar(());

impl Simd for Scalar {
    // As wide as the smallest vector registers: where there are some, the compiler finds them.
    type Strip = [f32; 4];
    const WIDTH: usize = 4;

    #[inline(always)]
    fn zero(self) -> [f32; 4] {
        [0.0; 4]
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> [f32; 4] {
        [from[0], from[1], from[2], from[3]]
    }

    #[inline(always)]
    fn store(self, strip: [f32; 4], to: &mut [f32]) {
        to[..4].copy_from_slice(&strip);
    }

    #[inline(always)]
    fn mul_add(self, sum: [f32; 4], x: [f32; 4], weight: f32) -> [f32; 4] {
        [sum[0] + x[0] * weight, sum[1] + x[1] * weight, sum[2] + x[2] * weight, sum[3] + x[3] * weight]
    }

    // Tasks are large; one copy of each is enough.
    #[inline(never)]
    fn run<T: Task>(self, task: T) {
        task.run(self);
    }
}

/// The instruction set that the kernels use.
#[derive(Clone, Copy, Debug)]
pub enum Kernels {
    /// No special instructions.
    Scalar(Scalar),
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
        first.or(second).or(third).unwrap_or(Kernels::Scalar(Scalar(())))
    }

    /// All that this processor has, best first.
    pub fn available() -> [Option<Kernels>; 3] {
        #[cfg(target_arch = "x86_64")]
        return [
            Avx512::detect().map(Kernels::Avx512),
            Avx2::detect().map(Kernels::Avx2),
            Some(Kernels::Scalar(Scalar(()))),
        ];
        #[cfg(not(target_arch = "x86_64"))]
        return [None, None, Some(Kernels::Scalar(Scalar(())))];
    }

    /// `avx512`, `avx2` or `scalar`.
    pub fn name(self) -> &'static str {
        match self {
            Kernels::Scalar(_) => "scalar",
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx512(_) => "avx512",
        }
    }

    /// Runs a task with these instructions.
    pub fn run<T: Task>(self, task: T) {
        match self {
            Kernels::Scalar(simd) => simd.run(task),
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx2(simd) => simd.run(task),
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx512(simd) => simd.run(task),
        }
    }
}
