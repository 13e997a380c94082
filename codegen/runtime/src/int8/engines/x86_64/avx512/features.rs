//! The instructions that the processor must have.

use super::super::super::super::cpu::Cpu;
use core::arch::x86_64::{__m512i, _mm512_setzero_si512};

/// Proof that the processor has AVX-512F, BW, DQ, VL and VNNI, and VBMI if `VBMI`.
#[derive(Clone, Copy, Debug)]
pub struct Avx512<const VBMI: bool>(());

impl Avx512<true> {
    /// Returns `Some` if processor and operating system support these instructions.
    pub fn detect(cpu: Cpu) -> Option<Self> {
        cpu.avx512_vbmi().then_some(Avx512(()))
    }
}

impl Avx512<false> {
    /// Returns `Some` if processor and operating system support these instructions.
    pub fn detect(cpu: Cpu) -> Option<Self> {
        cpu.avx512_vnni().then_some(Avx512(()))
    }
}

/// Bytes of a vector.
pub(super) const BYTES: usize = 64;

impl<const VBMI: bool> Avx512<VBMI> {
    /// Returns a vector of zeros.
    #[inline(always)]
    pub(super) fn zeros(self) -> __m512i {
        // SAFETY: `self` proves that the processor has AVX-512F.
        unsafe { _mm512_setzero_si512() }
    }
}
