//! Sums of products, and the values that they become.

use super::super::super::super::engine::Place;
use super::super::super::super::taps::Taps;
use super::features::{Avx512, BYTES};
use core::arch::x86_64::{
    __m128i, __m512i, _mm_mask_storeu_epi8, _mm_storel_epi64, _mm_storeu_si128, _mm_unpackhi_epi64,
    _mm256_loadu_si256, _mm512_castsi256_si512, _mm512_cvtsepi32_epi8, _mm512_dpbusd_epi32,
    _mm512_inserti64x4, _mm512_loadu_si512, _mm512_mask_shuffle_epi32, _mm512_mul_epi32,
    _mm512_set1_epi32, _mm512_srli_epi64,
};

impl<const VBMI: bool> Avx512<VBMI> {
    /// Returns the sums of filters for vectors, or for vectors whose halves begin at two places.
    #[inline(always)]
    pub(super) fn add_up<const FILTERS: usize, const VECTORS: usize, const HALVES: bool>(
        self,
        taps: &Taps<'_>,
        first: usize,
        biases: &[i32; FILTERS],
    ) -> [[__m512i; VECTORS]; FILTERS] {
        let parts = if HALVES { 2 } else { 1 };
        assert!(first + FILTERS <= taps.tile && taps.starts.len() == VECTORS * parts);
        taps.check(4 * taps.tile, BYTES / parts);
        let mut sums = [[self.zeros(); VECTORS]; FILTERS];
        for (sums, bias) in sums.iter_mut().zip(biases) {
            // SAFETY: `self` proves that the processor has AVX-512F.
            *sums = [unsafe { _mm512_set1_epi32(*bias) }; VECTORS];
        }
        let mut weights = taps.weights.as_ptr().wrapping_add(4 * first);
        for row in 0..taps.kernel {
            let mut starts = [[0; 2]; VECTORS];
            for (vector, starts) in starts.iter_mut().enumerate() {
                for (part, start) in starts.iter_mut().enumerate().take(parts) {
                    *start = taps.row(vector * parts + part, row);
                }
            }
            for group in 0..taps.groups {
                for column in taps.columns() {
                    let at = group * taps.line + column;
                    // SAFETY: `self` proves that the processor has AVX-512F and VNNI;
                    // `Taps::check` has found all bytes and weights to be there.
                    unsafe {
                        let ring = taps.ring.as_ptr().add(at);
                        let mut bytes = [self.zeros(); VECTORS];
                        for (bytes, start) in bytes.iter_mut().zip(&starts) {
                            *bytes = self.load::<HALVES>(ring, *start);
                        }
                        for (filter, sums) in sums.iter_mut().enumerate() {
                            let weights = weights.add(4 * filter).cast::<i32>().read_unaligned();
                            let weights = _mm512_set1_epi32(weights);
                            for (sum, bytes) in sums.iter_mut().zip(&bytes) {
                                *sum = _mm512_dpbusd_epi32(*sum, *bytes, weights);
                            }
                        }
                    }
                    weights = weights.wrapping_add(4 * taps.tile);
                }
            }
        }
        sums
    }

    /// Loads a vector, or two halves.
    ///
    /// # Safety
    /// All that is loaded is there.
    #[inline(always)]
    unsafe fn load<const HALVES: bool>(self, ring: *const u8, starts: [usize; 2]) -> __m512i {
        // SAFETY: `self` proves that the processor has AVX-512F; the caller knows that there are as
        // many bytes as are read.
        unsafe {
            if !HALVES {
                return _mm512_loadu_si512(ring.add(starts[0]).cast());
            }
            let low = _mm256_loadu_si256(ring.add(starts[0]).cast());
            let high = _mm256_loadu_si256(ring.add(starts[1]).cast());
            _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
        }
    }

    /// Returns the values of sums.
    #[inline(always)]
    pub(super) fn requantized(self, sums: __m512i, multiplier: i32) -> __m128i {
        // SAFETY: `self` proves that the processor has AVX-512F.
        unsafe {
            let multiplier = _mm512_set1_epi32(multiplier);
            let even = _mm512_mul_epi32(sums, multiplier);
            let odd = _mm512_mul_epi32(_mm512_srli_epi64::<32>(sums), multiplier);
            // The upper halves of the products: those of the even sums go down.
            let values = _mm512_mask_shuffle_epi32::<0b11_11_01_01>(odd, 0x5555, even);
            _mm512_cvtsepi32_epi8(values)
        }
    }

    /// Returns the upper half of values.
    #[inline(always)]
    pub(super) fn upper(self, values: __m128i) -> __m128i {
        // SAFETY: x86-64 has SSE2.
        unsafe { _mm_unpackhi_epi64(values, values) }
    }

    /// Stores values in a plane; panics if it ends before the place does.
    #[inline(always)]
    pub(super) fn store_values(self, values: __m128i, place: Place, plane: &mut [u8]) {
        let to = &mut plane[place.at..][..place.count];
        assert!(to.len() <= 16);
        let pointer = to.as_mut_ptr();
        // SAFETY: `self` proves that the processor has AVX-512BW and VL; only as many bytes are
        // written as there are.
        unsafe {
            match to.len() {
                16 => _mm_storeu_si128(pointer.cast(), values),
                8 => _mm_storel_epi64(pointer.cast(), values),
                count => {
                    let mask = ((1u32 << count) - 1) as u16;
                    _mm_mask_storeu_epi8(pointer.cast(), mask, values);
                }
            }
        }
    }
}
