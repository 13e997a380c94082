//! The vector instructions of x86-64.
//!
//! `unsafe` stands here for two reasons only. Instructions beyond the baseline may be used because each method takes a
//! value that `detect` alone makes, after it has seen that processor and operating system support them. Loads and stores
//! through pointers are those of slices whose length was checked just before.
#![allow(unsafe_code)]

use super::simd::{Simd, Task};
use core::arch::x86_64::{
    __cpuid, __cpuid_count, __m256, __m512, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps,
    _mm256_storeu_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps, _xgetbv,
};

/// Proof that the processor has AVX2 and FMA.
#[derive(Clone, Copy, Debug)]
pub struct Avx2(());

/// Proof that the processor has AVX-512F, AVX2 and FMA.
#[derive(Clone, Copy, Debug)]
pub struct Avx512(());

impl Avx2 {
    /// `Some` where these instructions can be used.
    pub fn detect() -> Option<Avx2> {
        let (fma, avx2) = (leaf_1_ecx() & 1 << 12 != 0, leaf_7_ebx() & 1 << 5 != 0);
        // Bits 1 and 2: the operating system keeps the 128 and 256 bit registers.
        (fma && avx2 && enabled_registers() & 0x06 == 0x06).then_some(Avx2(()))
    }
}

impl Avx512 {
    /// `Some` where these instructions can be used.
    pub fn detect() -> Option<Avx512> {
        Avx2::detect()?;
        // Bits 5 to 7: the operating system keeps the mask and 512 bit registers.
        (leaf_7_ebx() & 1 << 16 != 0 && enabled_registers() & 0xe6 == 0xe6).then_some(Avx512(()))
    }
}

fn leaf_1_ecx() -> u32 {
    __cpuid(1).ecx
}

fn leaf_7_ebx() -> u32 {
    if __cpuid(0).eax < 7 { 0 } else { __cpuid_count(7, 0).ebx }
}

/// Which registers the operating system saves, as the bits of XCR0; 0 where the processor cannot tell or lacks AVX.
fn enabled_registers() -> u64 {
    const OSXSAVE_AND_AVX: u32 = 1 << 27 | 1 << 28;
    if leaf_1_ecx() & OSXSAVE_AND_AVX != OSXSAVE_AND_AVX {
        return 0;
    }
    // SAFETY: the OSXSAVE bit says that this instruction is enabled.
    unsafe { _xgetbv(0) }
}

impl Simd for Avx2 {
    type Strip = __m256;
    const WIDTH: usize = 8;

    #[inline(always)]
    fn zero(self) -> __m256 {
        // SAFETY: `self` proves that the processor has AVX.
        unsafe { _mm256_setzero_ps() }
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> __m256 {
        let from = &from[..Self::WIDTH];
        // SAFETY: `self` proves that the processor has AVX; there are as many elements as are read.
        unsafe { _mm256_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, strip: __m256, to: &mut [f32]) {
        let to = &mut to[..Self::WIDTH];
        // SAFETY: `self` proves that the processor has AVX; there are as many elements as are written.
        unsafe { _mm256_storeu_ps(to.as_mut_ptr(), strip) };
    }

    #[inline(always)]
    fn mul_add(self, sum: __m256, x: __m256, weight: f32) -> __m256 {
        // SAFETY: `self` proves that the processor has AVX and FMA.
        unsafe { _mm256_fmadd_ps(x, _mm256_set1_ps(weight), sum) }
    }

    fn run<T: Task>(self, task: T) {
        #[target_feature(enable = "avx2,fma")]
        fn compiled_for_avx2<T: Task>(simd: Avx2, task: T) {
            task.run(simd);
        }
        // SAFETY: `self` proves that the processor has AVX2 and FMA.
        unsafe { compiled_for_avx2(self, task) };
    }
}

impl Simd for Avx512 {
    // Two registers: with 12 filters to a tile, 24 sums of the 32 registers.
    type Strip = [__m512; 2];
    const WIDTH: usize = 32;

    #[inline(always)]
    fn zero(self) -> [__m512; 2] {
        // SAFETY: `self` proves that the processor has AVX-512F.
        unsafe { [_mm512_setzero_ps(); 2] }
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> [__m512; 2] {
        let (low, high) = from[..Self::WIDTH].split_at(Self::WIDTH / 2);
        // SAFETY: `self` proves that the processor has AVX-512F; there are as many elements as are read.
        unsafe { [_mm512_loadu_ps(low.as_ptr()), _mm512_loadu_ps(high.as_ptr())] }
    }

    #[inline(always)]
    fn store(self, strip: [__m512; 2], to: &mut [f32]) {
        let (low, high) = to[..Self::WIDTH].split_at_mut(Self::WIDTH / 2);
        // SAFETY: `self` proves that the processor has AVX-512F; there are as many elements as are written.
        unsafe {
            _mm512_storeu_ps(low.as_mut_ptr(), strip[0]);
            _mm512_storeu_ps(high.as_mut_ptr(), strip[1]);
        }
    }

    #[inline(always)]
    fn mul_add(self, sum: [__m512; 2], x: [__m512; 2], weight: f32) -> [__m512; 2] {
        // SAFETY: `self` proves that the processor has AVX-512F.
        unsafe {
            let weight = _mm512_set1_ps(weight);
            [_mm512_fmadd_ps(x[0], weight, sum[0]), _mm512_fmadd_ps(x[1], weight, sum[1])]
        }
    }

    fn run<T: Task>(self, task: T) {
        #[target_feature(enable = "avx512f,avx2,fma")]
        fn compiled_for_avx512<T: Task>(simd: Avx512, task: T) {
            task.run(simd);
        }
        // SAFETY: `self` proves that the processor has AVX-512F, AVX2 and FMA.
        unsafe { compiled_for_avx512(self, task) };
    }
}
