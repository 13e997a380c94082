//! SSE2, which every x86-64 processor has. It has no instruction that multiplies and adds at once.

use super::super::super::taps::Taps;
use super::super::Simd;
use super::sums;
use core::arch::x86_64::{
    __m128, _mm_add_ps, _mm_and_ps, _mm_andnot_ps, _mm_castps_si128, _mm_castsi128_ps,
    _mm_cmplt_ps, _mm_div_ps, _mm_loadu_ps, _mm_min_ps, _mm_mul_ps, _mm_or_ps, _mm_set1_ps,
    _mm_setzero_ps, _mm_shuffle_ps, _mm_slli_epi32, _mm_storeu_ps, _mm_sub_ps,
};

/// The instructions of every x86-64 processor.
#[derive(Clone, Copy, Debug)]
pub struct Sse2(());

impl Sse2 {
    /// Returns `Some`: they are part of x86-64.
    pub fn detect() -> Option<Sse2> {
        const { assert!(cfg!(target_feature = "sse2")) }
        Some(Sse2(()))
    }
}

impl Simd for Sse2 {
    type Vector = __m128;
    const LANES: usize = 4;
    const REGISTERS: usize = 16;

    #[inline(always)]
    fn splat(self, x: f32) -> __m128 {
        // SAFETY: `detect` asserts SSE2, as for all methods below.
        unsafe { _mm_set1_ps(x) }
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> __m128 {
        let from = &from[..Self::LANES];
        // SAFETY: there are as many elements as are read.
        unsafe { _mm_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, vector: __m128, to: &mut [f32]) {
        let to = &mut to[..Self::LANES];
        // SAFETY: there are as many elements as are written.
        unsafe { _mm_storeu_ps(to.as_mut_ptr(), vector) };
    }

    #[inline(always)]
    fn load_part(self, from: &[f32]) -> __m128 {
        let mut whole = [0.0; Self::LANES];
        whole[..from.len()].copy_from_slice(from);
        self.load(&whole)
    }

    #[inline(always)]
    fn store_part(self, vector: __m128, to: &mut [f32]) {
        let mut whole = [0.0; Self::LANES];
        self.store(vector, &mut whole);
        to.copy_from_slice(&whole[..to.len()]);
    }

    #[inline(always)]
    fn add(self, a: __m128, b: __m128) -> __m128 {
        // SAFETY: `detect` asserts SSE2.
        unsafe { _mm_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m128, b: __m128) -> __m128 {
        // SAFETY: `detect` asserts SSE2.
        unsafe { _mm_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m128, b: __m128) -> __m128 {
        // SAFETY: `detect` asserts SSE2.
        unsafe { _mm_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: __m128, b: __m128) -> __m128 {
        // SAFETY: `detect` asserts SSE2.
        unsafe { _mm_div_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m128, b: __m128, c: __m128) -> __m128 {
        self.add(self.mul(a, b), c)
    }

    #[inline(always)]
    fn sub_mul(self, a: __m128, b: __m128, c: __m128) -> __m128 {
        self.sub(a, self.mul(b, c))
    }

    #[inline(always)]
    fn min(self, a: __m128, b: __m128) -> __m128 {
        // SAFETY: `detect` asserts SSE2.
        unsafe { _mm_min_ps(a, b) }
    }

    #[inline(always)]
    fn abs(self, x: __m128) -> __m128 {
        // SAFETY: `detect` asserts SSE2.
        unsafe { _mm_andnot_ps(_mm_set1_ps(-0.0), x) }
    }

    #[inline(always)]
    fn select(self, x: __m128, left: __m128, right: __m128) -> __m128 {
        // SAFETY: `detect` asserts SSE2.
        unsafe {
            let is_left = _mm_cmplt_ps(x, _mm_setzero_ps());
            _mm_or_ps(_mm_and_ps(is_left, left), _mm_andnot_ps(is_left, right))
        }
    }

    #[inline(always)]
    fn exponent(self, x: __m128) -> __m128 {
        // SAFETY: `detect` asserts SSE2.
        unsafe { _mm_castsi128_ps(_mm_slli_epi32::<23>(_mm_castps_si128(x))) }
    }

    #[inline(always)]
    fn deal(self, first: __m128, second: __m128) -> [__m128; 2] {
        // SAFETY: `detect` asserts SSE2.
        unsafe {
            [
                _mm_shuffle_ps::<0b10_00_10_00>(first, second),
                _mm_shuffle_ps::<0b11_01_11_01>(first, second),
            ]
        }
    }

    #[inline(always)]
    fn add_taps<const FILTERS: usize, const VECTORS: usize>(
        self,
        taps: &Taps<'_>,
        from: [usize; VECTORS],
        sums: [[__m128; VECTORS]; FILTERS],
    ) -> [[__m128; VECTORS]; FILTERS] {
        sums::add_taps::<Self, FILTERS, VECTORS>(self, taps, from, sums)
    }
}
