//! Vector instructions: chosen when the program runs, not when it is built.
//!
//! A value of a type that implements [`Simd`] is proof that the processor has those instructions; [`Kernels::detect`]
//! and [`Kernels::available`] are the only ways to get one.

#[cfg(target_arch = "x86_64")]
pub use super::simd_x86_64::{Avx2, Avx512};

/// The most lanes that a vector of some instruction set has.
pub const MAX_LANES: usize = 16;

/// One instruction set and the few operations that kernels are made of. Loops over plain numbers are left to the
/// compiler, which may use the whole instruction set inside [`Simd::run`].
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
    /// The larger one; `b` where one is not a number.
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `-|x|`.
    fn minus_abs(self, x: Self::Vector) -> Self::Vector;
    /// `left` where `x < 0`, `right` elsewhere.
    fn select(self, x: Self::Vector, left: Self::Vector, right: Self::Vector) -> Self::Vector;
    /// The number whose exponent field is the low byte of the bits of `x`, and all else of which is 0.
    fn exponent(self, x: Self::Vector) -> Self::Vector;
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

/// Each lane by itself.
#[inline(always)]
fn lanes(f: impl Fn(usize) -> f32) -> [f32; 4] {
    [f(0), f(1), f(2), f(3)]
}

impl Simd for Scalar {
    // As wide as the smallest vector registers: where there are some, the compiler finds them.
    type Vector = [f32; 4];
    const LANES: usize = 4;
    const REGISTERS: usize = 16;

    #[inline(always)]
    fn splat(self, x: f32) -> [f32; 4] {
        [x; 4]
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> [f32; 4] {
        [from[0], from[1], from[2], from[3]]
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
        lanes(|i| a[i] + b[i])
    }

    #[inline(always)]
    fn sub(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes(|i| a[i] - b[i])
    }

    #[inline(always)]
    fn mul(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes(|i| a[i] * b[i])
    }

    #[inline(always)]
    fn div(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes(|i| a[i] / b[i])
    }

    #[inline(always)]
    fn mul_add(self, a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        lanes(|i| a[i] * b[i] + c[i])
    }

    #[inline(always)]
    fn max(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }

    #[inline(always)]
    fn minus_abs(self, x: [f32; 4]) -> [f32; 4] {
        lanes(|i| -x[i].abs())
    }

    #[inline(always)]
    fn select(self, x: [f32; 4], left: [f32; 4], right: [f32; 4]) -> [f32; 4] {
        lanes(|i| if x[i] < 0.0 { left[i] } else { right[i] })
    }

    #[inline(always)]
    fn exponent(self, x: [f32; 4]) -> [f32; 4] {
        lanes(|i| f32::from_bits(x[i].to_bits() << 24 >> 1))
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

    /// Kernels with shorter vectors of the same processor where half of the long ones would stay empty.
    pub(super) fn for_rows_of(self, width: usize) -> Kernels {
        match self {
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx512(simd) if 2 * width <= Avx512::LANES => Kernels::Avx2(simd.into()),
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx2(_) | Kernels::Avx512(_) => self,
            Kernels::Scalar(_) => self,
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
