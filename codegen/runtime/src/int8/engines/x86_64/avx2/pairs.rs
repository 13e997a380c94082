//! Sums of products by AVX2: of pairs in 16 bits, which no instruction saturates.

use super::super::super::super::conv::Taps;
use super::{Avx2, BYTES};
use core::arch::x86_64::{
    __m128i, __m256i, _mm_cvtepi8_epi16, _mm_cvtsi32_si128, _mm_loadl_epi64, _mm_set_epi8,
    _mm_shuffle_epi8, _mm_storel_epi64, _mm_storeu_si128, _mm256_add_epi32, _mm256_and_si256,
    _mm256_loadu_si256, _mm256_madd_epi16, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_srli_epi16,
};

/// Taps whose weights are widened together.
const TAPS: usize = 8;
/// The most filters.
const FILTERS: usize = 6;

/// Weights in 16 bits: for each tap and filter those of the first and third channel of a group, and
/// those of the others.
struct Wide([[[i32; 2]; FILTERS]; TAPS]);

impl<const VNNI: bool> Avx2<VNNI> {
    /// Returns the sums of filters for vectors.
    #[inline(always)]
    pub(super) fn add_up_pairs<const TILE: usize, const COUNT: usize, const VECTORS: usize>(
        self,
        taps: &Taps<'_>,
        first: usize,
        biases: &[i32; COUNT],
    ) -> [[__m256i; VECTORS]; COUNT] {
        assert!(first + COUNT <= TILE && COUNT <= FILTERS && taps.starts.len() == VECTORS);
        taps.check(4 * TILE, BYTES);
        let mut sums = self.first_sums::<COUNT, VECTORS>(biases);
        let mut wide = Wide([[[0; 2]; FILTERS]; TAPS]);
        let mut weights = taps.weights.as_ptr().wrapping_add(4 * first);
        for row in 0..taps.kernel {
            let mut starts = [0; VECTORS];
            for (vector, start) in starts.iter_mut().enumerate() {
                *start = taps.row(vector, row);
            }
            for group in 0..taps.groups {
                let mut columns = taps.columns();
                for first in (0..taps.kernel).step_by(TAPS) {
                    let count = TAPS.min(taps.kernel - first);
                    for wide in wide.0.iter_mut().take(count) {
                        // SAFETY: `Taps::check` has found all weights to be there.
                        unsafe { self.widen::<COUNT>(weights, wide) };
                        weights = weights.wrapping_add(4 * TILE);
                    }
                    for (weights, column) in wide.0.iter().take(count).zip(&mut columns) {
                        let at = group * taps.line + column;
                        let mut bytes = [self.zeros(); VECTORS];
                        for (bytes, start) in bytes.iter_mut().zip(&starts) {
                            // SAFETY: `self` proves that the processor has AVX; `Taps::check` has
                            // found all bytes to be there.
                            *bytes = unsafe {
                                _mm256_loadu_si256(taps.ring.as_ptr().add(at + start).cast())
                            };
                        }
                        self.add_pairs(&mut sums, &bytes, weights);
                    }
                }
            }
        }
        sums
    }

    /// Adds the products of bytes and weights.
    #[inline(always)]
    fn add_pairs<const COUNT: usize, const VECTORS: usize>(
        self,
        sums: &mut [[__m256i; VECTORS]; COUNT],
        bytes: &[__m256i; VECTORS],
        weights: &[[i32; 2]; FILTERS],
    ) {
        // SAFETY: `self` proves that the processor has AVX2.
        unsafe {
            for half in 0..2 {
                let mut pairs = [self.zeros(); VECTORS];
                for (pairs, bytes) in pairs.iter_mut().zip(bytes) {
                    *pairs = if half == 0 {
                        _mm256_and_si256(*bytes, _mm256_set1_epi16(0xff))
                    } else {
                        _mm256_srli_epi16::<8>(*bytes)
                    };
                }
                for (sums, weights) in sums.iter_mut().zip(weights) {
                    let weights = _mm256_set1_epi32(weights[half]);
                    for (sum, pairs) in sums.iter_mut().zip(&pairs) {
                        *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(*pairs, weights));
                    }
                }
            }
        }
    }

    /// Widens the weights of filters for one tap.
    ///
    /// # Safety
    /// There are 4 weights for each of `COUNT` filters.
    #[inline(always)]
    unsafe fn widen<const COUNT: usize>(self, from: *const i8, to: &mut [[i32; 2]; FILTERS]) {
        for (index, to) in to[..COUNT].chunks_mut(2).enumerate() {
            // SAFETY: `self` proves that the processor has AVX2; the caller knows that there are as
            // many weights as are read, and `to` has as many bytes as are written.
            unsafe {
                let from = from.add(8 * index);
                if to.len() == 2 {
                    let wide = self.wide(_mm_loadl_epi64(from.cast()));
                    _mm_storeu_si128(to.as_mut_ptr().cast(), wide);
                } else {
                    let weights = from.cast::<i32>().read_unaligned();
                    let wide = self.wide(_mm_cvtsi32_si128(weights));
                    _mm_storel_epi64(to.as_mut_ptr().cast(), wide);
                }
            }
        }
    }

    #[inline(always)]
    fn wide(self, weights: __m128i) -> __m128i {
        // SAFETY: `self` proves that the processor has AVX2.
        unsafe {
            let order = _mm_set_epi8(15, 14, 11, 10, 13, 12, 9, 8, 7, 6, 3, 2, 5, 4, 1, 0);
            _mm_shuffle_epi8(_mm_cvtepi8_epi16(weights), order)
        }
    }
}
