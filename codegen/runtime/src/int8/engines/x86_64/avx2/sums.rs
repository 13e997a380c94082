//! Sums of products by AVX-VNNI, and the values that sums become.

use super::super::super::super::engine::Place;
use super::super::super::super::taps::Taps;
use super::features::{Avx2, BYTES};
use core::arch::x86_64::{
    __m256i, _mm_cvtsi128_si64, _mm_unpackhi_epi64, _mm256_blend_epi32, _mm256_castsi256_si128,
    _mm256_dpbusd_avx_epi32, _mm256_loadu_si256, _mm256_mul_epi32, _mm256_packs_epi16,
    _mm256_packs_epi32, _mm256_permutevar8x32_epi32, _mm256_set1_epi32, _mm256_setr_epi32,
    _mm256_srli_epi64,
};

impl<const VNNI: bool> Avx2<VNNI> {
    /// Returns the biases of filters as sums.
    #[inline(always)]
    pub(super) fn first_sums<const FILTERS: usize, const VECTORS: usize>(
        self,
        biases: &[i32; FILTERS],
    ) -> [[__m256i; VECTORS]; FILTERS] {
        let mut sums = [[self.zeros(); VECTORS]; FILTERS];
        for (sums, bias) in sums.iter_mut().zip(biases) {
            // SAFETY: `self` proves that the processor has AVX.
            *sums = [unsafe { _mm256_set1_epi32(*bias) }; VECTORS];
        }
        sums
    }

    /// Returns the sums of filters for vectors.
    #[inline(always)]
    pub(super) fn add_up<const FILTERS: usize, const VECTORS: usize>(
        self,
        taps: &Taps<'_>,
        first: usize,
        biases: &[i32; FILTERS],
    ) -> [[__m256i; VECTORS]; FILTERS] {
        assert!(first + FILTERS <= taps.tile && taps.starts.len() == VECTORS);
        taps.check(4 * taps.tile, BYTES);
        let mut sums = self.first_sums::<FILTERS, VECTORS>(biases);
        let mut weights = taps.weights.as_ptr().wrapping_add(4 * first);
        for row in 0..taps.kernel {
            let mut starts = [0; VECTORS];
            for (vector, start) in starts.iter_mut().enumerate() {
                *start = taps.row(vector, row);
            }
            for group in 0..taps.groups {
                for column in taps.columns() {
                    let at = group * taps.line + column;
                    // SAFETY: `self` proves that the processor has AVX2 and, because this is called
                    // if `VNNI`, AVX-VNNI; `Taps::check` has found all bytes and weights to be
                    // there.
                    unsafe {
                        let ring = taps.ring.as_ptr().add(at);
                        let mut bytes = [self.zeros(); VECTORS];
                        for (bytes, start) in bytes.iter_mut().zip(&starts) {
                            *bytes = _mm256_loadu_si256(ring.add(*start).cast());
                        }
                        for (filter, sums) in sums.iter_mut().enumerate() {
                            let weights = weights.add(4 * filter).cast::<i32>().read_unaligned();
                            let weights = _mm256_set1_epi32(weights);
                            for (sum, bytes) in sums.iter_mut().zip(&bytes) {
                                *sum = _mm256_dpbusd_avx_epi32(*sum, *bytes, weights);
                            }
                        }
                    }
                    weights = weights.wrapping_add(4 * taps.tile);
                }
            }
        }
        sums
    }

    /// Returns the values of the sums of two vectors: 8 bytes for each.
    #[inline(always)]
    pub(super) fn requantized(self, sums: [__m256i; 2], multiplier: i32) -> [u64; 2] {
        let [first, second] = [self.high(sums[0], multiplier), self.high(sums[1], multiplier)];
        // SAFETY: `self` proves that the processor has AVX2.
        unsafe {
            let words = _mm256_packs_epi32(first, second);
            let bytes = _mm256_packs_epi16(words, words);
            let order = _mm256_setr_epi32(0, 4, 1, 5, 0, 4, 1, 5);
            let bytes = _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(bytes, order));
            let upper = _mm_unpackhi_epi64(bytes, bytes);
            [_mm_cvtsi128_si64(bytes) as u64, _mm_cvtsi128_si64(upper) as u64]
        }
    }

    /// Returns the upper halves of products.
    #[inline(always)]
    fn high(self, sums: __m256i, multiplier: i32) -> __m256i {
        // SAFETY: `self` proves that the processor has AVX2.
        unsafe {
            let multiplier = _mm256_set1_epi32(multiplier);
            let even = _mm256_mul_epi32(sums, multiplier);
            let odd = _mm256_mul_epi32(_mm256_srli_epi64::<32>(sums), multiplier);
            _mm256_blend_epi32::<0b1010_1010>(_mm256_srli_epi64::<32>(even), odd)
        }
    }

    /// Stores values in a plane; panics if it ends before a place does.
    #[inline(always)]
    pub(super) fn store_values(self, values: [u64; 2], places: &[Place], plane: &mut [u8]) {
        for (values, place) in values.iter().zip(places) {
            let to = &mut plane[place.at..][..place.count];
            match to.first_chunk_mut() {
                Some(to) => *to = values.to_le_bytes(),
                None => store_part(*values, to),
            }
        }
    }
}

/// Stores the first bytes, less than 8.
#[inline(always)]
fn store_part(mut bytes: u64, to: &mut [u8]) {
    let mut at = 0;
    if to.len() & 4 != 0 {
        to[..4].copy_from_slice(&(bytes as u32).to_le_bytes());
        (bytes, at) = (bytes >> 32, 4);
    }
    if to.len() & 2 != 0 {
        to[at..at + 2].copy_from_slice(&(bytes as u16).to_le_bytes());
        (bytes, at) = (bytes >> 16, at + 2);
    }
    if to.len() & 1 != 0 {
        to[at] = bytes as u8;
    }
}
