//! The choice of an instruction set, when the program runs and not when it is built.

#[cfg(target_arch = "aarch64")]
use super::simd::aarch64::Neon;
#[cfg(all(target_arch = "arm", target_os = "linux"))]
use super::simd::neon::Neon;
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "arm", target_os = "none"))))]
use super::simd::scalar::Scalar;
#[cfg(target_arch = "arm")]
use super::simd::vfp::Vfp;
#[cfg(target_arch = "x86_64")]
use super::simd::x86_64::{Avx2, Avx512, sse2::Sse2};
use super::simd::{Simd, Task};

/// The instruction set that the kernels use.
#[derive(Clone, Copy, Debug)]
pub enum Kernels {
    /// No vector instructions. Left out on x86-64, where every processor has SSE2, and on
    /// microcontrollers, which have no room for unused kernels.
    #[cfg(not(any(target_arch = "x86_64", all(target_arch = "arm", target_os = "none"))))]
    Scalar(Scalar),
    /// NEON.
    #[cfg(any(target_arch = "aarch64", all(target_arch = "arm", target_os = "linux")))]
    Neon(Neon),
    /// The floating-point unit of 32-bit ARM.
    #[cfg(target_arch = "arm")]
    Vfp(Vfp),
    /// SSE2, which every such processor has.
    #[cfg(target_arch = "x86_64")]
    Sse2(Sse2),
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// AVX-512F.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl Kernels {
    /// Returns the best instruction set of this processor. Detection takes long on some virtual
    /// machines: call this once.
    pub fn detect() -> Kernels {
        let [first, second, third] = Kernels::available();
        first.or(second).or(third).expect("every processor has one of them")
    }

    /// Returns the instruction set with this name, if this processor has it.
    pub fn named(name: &str) -> Option<Kernels> {
        Kernels::available().into_iter().flatten().find(|kernels| kernels.name() == name)
    }

    /// Returns all instruction sets of this processor, the best one first.
    pub fn available() -> [Option<Kernels>; 3] {
        #[cfg(target_arch = "x86_64")]
        return [
            Avx512::detect().map(Kernels::Avx512),
            Avx2::detect().map(Kernels::Avx2),
            Sse2::detect().map(Kernels::Sse2),
        ];
        #[cfg(target_arch = "aarch64")]
        return [Neon::detect().map(Kernels::Neon), None, Scalar::detect().map(Kernels::Scalar)];
        #[cfg(all(target_arch = "arm", target_os = "linux"))]
        return [
            Neon::detect().map(Kernels::Neon),
            Vfp::detect().map(Kernels::Vfp),
            Scalar::detect().map(Kernels::Scalar),
        ];
        #[cfg(all(target_arch = "arm", target_os = "none"))]
        return [Vfp::detect().map(Kernels::Vfp), None, None];
        #[cfg(not(any(target_arch = "aarch64", target_arch = "arm", target_arch = "x86_64")))]
        return [None, None, Scalar::detect().map(Kernels::Scalar)];
    }

    /// Returns `avx512`, `avx2`, `neon`, `vfp`, or `scalar` for what every processor has.
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(not(any(target_arch = "x86_64", all(target_arch = "arm", target_os = "none"))))]
            Kernels::Scalar(_) => "scalar",
            #[cfg(any(target_arch = "aarch64", all(target_arch = "arm", target_os = "linux")))]
            Kernels::Neon(_) => "neon",
            #[cfg(target_arch = "arm")]
            Kernels::Vfp(_) => "vfp",
            #[cfg(target_arch = "x86_64")]
            Kernels::Sse2(_) => "scalar",
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx512(_) => "avx512",
        }
    }

    /// Returns the instruction set for rows of this width: the one with shorter vectors if half of
    /// the long ones would stay empty.
    pub(super) fn for_rows_of(self, width: usize) -> Kernels {
        match (self, width) {
            #[cfg(target_arch = "x86_64")]
            (Kernels::Avx512(simd), ..=8) => Kernels::Avx2(simd.into()),
            (kernels, _) => kernels,
        }
    }

    /// Runs a task with this instruction set.
    pub fn run<T: Task>(self, task: T) {
        match self {
            #[cfg(not(any(target_arch = "x86_64", all(target_arch = "arm", target_os = "none"))))]
            Kernels::Scalar(simd) => simd.run(task),
            #[cfg(any(target_arch = "aarch64", all(target_arch = "arm", target_os = "linux")))]
            Kernels::Neon(simd) => simd.run(task),
            #[cfg(target_arch = "arm")]
            Kernels::Vfp(simd) => simd.run(task),
            #[cfg(target_arch = "x86_64")]
            Kernels::Sse2(simd) => simd.run(task),
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx2(simd) => simd.run(task),
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx512(simd) => simd.run(task),
        }
    }
}
