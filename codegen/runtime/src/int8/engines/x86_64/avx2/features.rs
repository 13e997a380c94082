//! The instructions that the processor must have.

use super::super::super::super::cpu::Cpu;
use core::arch::x86_64::{__m256i, _mm256_setzero_si256};

/// Proof that the processor has AVX2 and FMA, and AVX-VNNI if `VNNI`.
#[derive(Clone, Copy, Debug)]
pub struct Avx2<const VNNI: bool>(());

impl Avx2<true> {
    /// Returns `Some` if processor and operating system support these instructions.
    pub fn detect(cpu: Cpu) -> Option<Self> {
        cpu.avx_vnni().then_some(Avx2(()))
    }
}

impl Avx2<false> {
    /// Returns `Some` if processor and operating system support these instructions.
    pub fn detect(cpu: Cpu) -> Option<Self> {
        cpu.avx2().then_some(Avx2(()))
    }
}

/// Bytes of a vector.
pub(super) const BYTES: usize = 32;

impl<const VNNI: bool> Avx2<VNNI> {
    /// Returns a vector of zeros.
    #[inline(always)]
    pub(super) fn zeros(self) -> __m256i {
        // SAFETY: `self` proves that the processor has AVX.
        unsafe { _mm256_setzero_si256() }
    }
}
