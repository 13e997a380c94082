//! The vector instructions of x86-64.
//!
//! `unsafe` has two reasons only. Instructions beyond the baseline may be used because each method
//! takes a value that `detect` alone makes, after it has checked that processor and operating
//! system support them. Loads and stores go through pointers of slices whose length was checked
//! before.
#![allow(unsafe_code)]

pub mod sse2;
mod sums;

use super::super::cpu::Cpu;
use super::super::taps::Taps;
use super::{Simd, Task};
use core::arch::x86_64::{
    __m256, __m512, _CMP_LT_OQ, _mm256_add_ps, _mm256_andnot_ps, _mm256_blendv_ps,
    _mm256_castps_si256, _mm256_castsi256_ps, _mm256_cmp_ps, _mm256_div_ps, _mm256_fmadd_ps,
    _mm256_fnmadd_ps, _mm256_loadu_ps, _mm256_min_ps, _mm256_mul_ps, _mm256_set1_ps,
    _mm256_setzero_ps, _mm256_slli_epi32, _mm256_storeu_ps, _mm256_sub_ps, _mm512_abs_ps,
    _mm512_add_epi32, _mm512_add_ps, _mm512_castps_si512, _mm512_castsi512_ps, _mm512_cmp_ps_mask,
    _mm512_div_ps, _mm512_fmadd_ps, _mm512_fnmadd_ps, _mm512_loadu_ps, _mm512_mask_blend_ps,
    _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_min_ps, _mm512_mul_ps,
    _mm512_permutex2var_ps, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setr_epi32,
    _mm512_setzero_ps, _mm512_slli_epi32, _mm512_storeu_ps, _mm512_sub_ps,
};

/// Proof that the processor has AVX2 and FMA.
#[derive(Clone, Copy, Debug)]
pub struct Avx2(());

/// Proof that the processor has AVX-512F, AVX2 and FMA.
#[derive(Clone, Copy, Debug)]
pub struct Avx512(());

impl Avx2 {
    /// Returns `Some` if processor and operating system support these instructions.
    pub fn detect() -> Option<Avx2> {
        let compiled_for = cfg!(all(target_feature = "avx2", target_feature = "fma"));
        (compiled_for || Cpu::read().avx2()).then_some(Avx2(()))
    }
}

impl Avx512 {
    /// Returns `Some` if processor and operating system support these instructions.
    pub fn detect() -> Option<Avx512> {
        // Miri knows too few instructions of AVX-512, and no CPUID.
        Cpu::read().avx512().then_some(Avx512(()))
    }
}

impl From<Avx512> for Avx2 {
    fn from(_: Avx512) -> Avx2 {
        Avx2(())
    }
}

impl Simd for Avx2 {
    type Vector = __m256;
    const LANES: usize = 8;
    const REGISTERS: usize = 16;
    const MOST_VECTORS: usize = 3;

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        // SAFETY: `self` proves that the processor has AVX.
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> __m256 {
        let from = &from[..Self::LANES];
        // SAFETY: `self` proves that the processor has AVX; there are as many elements as are read.
        unsafe { _mm256_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, vector: __m256, to: &mut [f32]) {
        let to = &mut to[..Self::LANES];
        // SAFETY: `self` proves that the processor has AVX; there are as many elements as are
        // written.
        unsafe { _mm256_storeu_ps(to.as_mut_ptr(), vector) };
    }

    #[inline(always)]
    fn load_part(self, from: &[f32]) -> __m256 {
        let mut whole = [0.0; Self::LANES];
        whole[..from.len()].copy_from_slice(from);
        self.load(&whole)
    }

    #[inline(always)]
    fn store_part(self, vector: __m256, to: &mut [f32]) {
        let mut whole = [0.0; Self::LANES];
        self.store(vector, &mut whole);
        to.copy_from_slice(&whole[..to.len()]);
    }

    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves that the processor has AVX.
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves that the processor has AVX.
        unsafe { _mm256_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves that the processor has AVX.
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves that the processor has AVX.
        unsafe { _mm256_div_ps(a, b) }
    }

    #[inline(always)]
    fn min(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves that the processor has AVX.
        unsafe { _mm256_min_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: `self` proves that the processor has AVX and FMA.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn sub_mul(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: `self` proves that the processor has AVX and FMA.
        unsafe { _mm256_fnmadd_ps(b, c, a) }
    }

    #[inline(always)]
    fn abs(self, x: __m256) -> __m256 {
        // SAFETY: `self` proves that the processor has AVX.
        unsafe { _mm256_andnot_ps(_mm256_set1_ps(-0.0), x) }
    }

    #[inline(always)]
    fn select(self, x: __m256, left: __m256, right: __m256) -> __m256 {
        // SAFETY: `self` proves that the processor has AVX.
        unsafe {
            _mm256_blendv_ps(right, left, _mm256_cmp_ps::<_CMP_LT_OQ>(x, _mm256_setzero_ps()))
        }
    }

    #[inline(always)]
    fn exponent(self, x: __m256) -> __m256 {
        // SAFETY: `self` proves that the processor has AVX2.
        unsafe { _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_castps_si256(x))) }
    }

    #[inline(always)]
    fn add_taps<const FILTERS: usize, const VECTORS: usize>(
        self,
        taps: &Taps<'_>,
        from: [usize; VECTORS],
        sums: [[__m256; VECTORS]; FILTERS],
    ) -> [[__m256; VECTORS]; FILTERS] {
        sums::add_taps::<Self, FILTERS, VECTORS>(self, taps, from, sums)
    }

    fn run<T: Task>(self, task: T) {
        // Tasks are large; one copy of each is enough.
        #[inline(never)]
        #[target_feature(enable = "avx2,fma")]
        fn compiled_for_avx2<T: Task>(simd: Avx2, task: T) {
            task.run(simd);
        }
        // SAFETY: `self` proves that the processor has AVX2 and FMA.
        unsafe { compiled_for_avx2(self, task) };
    }
}

impl Simd for Avx512 {
    type Vector = __m512;
    const LANES: usize = 16;
    const REGISTERS: usize = 32;
    const MOST_VECTORS: usize = 3;

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        // SAFETY: `self` proves that the processor has AVX-512F.
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> __m512 {
        let from = &from[..Self::LANES];
        // SAFETY: `self` proves that the processor has AVX-512F; there are as many elements as are
        // read.
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, vector: __m512, to: &mut [f32]) {
        let to = &mut to[..Self::LANES];
        // SAFETY: `self` proves that the processor has AVX-512F; there are as many elements as are
        // written.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), vector) };
    }

    #[inline(always)]
    fn load_part(self, from: &[f32]) -> __m512 {
        // SAFETY: `self` proves that the processor has AVX-512F; only as many elements are read as
        // there are.
        unsafe { _mm512_maskz_loadu_ps(first_lanes(from.len()), from.as_ptr()) }
    }

    #[inline(always)]
    fn store_part(self, vector: __m512, to: &mut [f32]) {
        // SAFETY: `self` proves that the processor has AVX-512F; only as many elements are written
        // as there are.
        unsafe { _mm512_mask_storeu_ps(to.as_mut_ptr(), first_lanes(to.len()), vector) };
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves that the processor has AVX-512F.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves that the processor has AVX-512F.
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves that the processor has AVX-512F.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves that the processor has AVX-512F.
        unsafe { _mm512_div_ps(a, b) }
    }

    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves that the processor has AVX-512F.
        unsafe { _mm512_min_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: `self` proves that the processor has AVX-512F.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn sub_mul(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: `self` proves that the processor has AVX-512F.
        unsafe { _mm512_fnmadd_ps(b, c, a) }
    }

    #[inline(always)]
    fn abs(self, x: __m512) -> __m512 {
        // SAFETY: `self` proves that the processor has AVX-512F.
        unsafe { _mm512_abs_ps(x) }
    }

    #[inline(always)]
    fn select(self, x: __m512, left: __m512, right: __m512) -> __m512 {
        // SAFETY: `self` proves that the processor has AVX-512F.
        unsafe {
            _mm512_mask_blend_ps(
                _mm512_cmp_ps_mask::<_CMP_LT_OQ>(x, _mm512_setzero_ps()),
                right,
                left,
            )
        }
    }

    #[inline(always)]
    fn exponent(self, x: __m512) -> __m512 {
        // SAFETY: `self` proves that the processor has AVX-512F.
        unsafe { _mm512_castsi512_ps(_mm512_slli_epi32::<23>(_mm512_castps_si512(x))) }
    }

    #[inline(always)]
    fn deal(self, first: __m512, second: __m512) -> [__m512; 2] {
        // SAFETY: `self` proves that the processor has AVX-512F.
        unsafe {
            let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            let odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
            [
                _mm512_permutex2var_ps(first, even, second),
                _mm512_permutex2var_ps(first, odd, second),
            ]
        }
    }

    #[inline(always)]
    fn add_taps<const FILTERS: usize, const VECTORS: usize>(
        self,
        taps: &Taps<'_>,
        from: [usize; VECTORS],
        sums: [[__m512; VECTORS]; FILTERS],
    ) -> [[__m512; VECTORS]; FILTERS] {
        sums::add_taps::<Self, FILTERS, VECTORS>(self, taps, from, sums)
    }

    fn run<T: Task>(self, task: T) {
        #[inline(never)]
        #[target_feature(enable = "avx512f,avx2,fma")]
        fn compiled_for_avx512<T: Task>(simd: Avx512, task: T) {
            task.run(simd);
        }
        // SAFETY: `self` proves that the processor has AVX-512F, AVX2 and FMA.
        unsafe { compiled_for_avx512(self, task) };
    }
}

/// Returns the mask of the first lanes; panics if a vector has fewer.
#[inline(always)]
fn first_lanes(count: usize) -> u16 {
    assert!(count <= Avx512::LANES);
    ((1u32 << count) - 1) as u16
}
