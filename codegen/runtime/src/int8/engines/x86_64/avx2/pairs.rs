//! Sums of products by AVX2: of pairs in 16 bits, which no instruction saturates.

use super::super::super::super::taps::Taps;
use super::features::{Avx2, BYTES};
use core::arch::x86_64::{
    __m256i, _mm_cvtepi8_epi16, _mm_cvtsi32_si128, _mm_loadl_epi64, _mm_storel_epi64,
    _mm_storeu_si128, _mm256_add_epi32, _mm256_hadd_epi32, _mm256_loadu_si256, _mm256_madd_epi16,
    _mm256_set1_epi64x, _mm256_unpackhi_epi8, _mm256_unpacklo_epi8,
};

/// Taps whose weights are widened together.
const TAPS: usize = 32;
/// The most filters: their sums for a vector, which are two for each column, take 12 registers.
pub(super) const FILTERS: usize = 6;

/// A tap: its offset, and the weights of each filter for four channels, in 16 bits.
#[derive(Clone, Copy)]
struct Tap {
    offset: usize,
    weights: [i64; FILTERS],
}

impl<const VNNI: bool> Avx2<VNNI> {
    /// Returns the sums of filters for vectors.
    #[inline(always)]
    pub(super) fn add_up_pairs<const COUNT: usize, const VECTORS: usize>(
        self,
        taps: &Taps<'_>,
        first: usize,
        biases: &[i32; COUNT],
    ) -> [[__m256i; VECTORS]; COUNT] {
        assert!(first + COUNT <= taps.tile && COUNT <= FILTERS && taps.starts.len() == VECTORS);
        taps.check(4 * taps.tile, BYTES);
        let mut sums = [[[self.zeros(); 2]; COUNT]; VECTORS];
        let mut some = [Tap { offset: 0, weights: [0; FILTERS] }; TAPS];
        let mut weights = taps.weights.as_ptr().wrapping_add(4 * first);
        for row in 0..taps.kernel {
            let mut starts = [0; VECTORS];
            for (vector, start) in starts.iter_mut().enumerate() {
                *start = taps.row(vector, row);
            }
            let mut count = 0;
            for group in 0..taps.groups {
                for column in taps.columns() {
                    some[count].offset = group * taps.line + column;
                    // SAFETY: `Taps::check` has found all weights to be there.
                    unsafe { self.widen::<COUNT>(weights, &mut some[count].weights) };
                    weights = weights.wrapping_add(4 * taps.tile);
                    count += 1;
                    if count == TAPS {
                        for (sums, start) in sums.iter_mut().zip(&starts) {
                            // SAFETY: `Taps::check` has found all bytes to be there.
                            *sums = unsafe { self.add_taps(*sums, taps.ring, *start, &some) };
                        }
                        count = 0;
                    }
                }
            }
            for (sums, start) in sums.iter_mut().zip(&starts) {
                // SAFETY: `Taps::check` has found all bytes to be there.
                *sums = unsafe { self.add_taps(*sums, taps.ring, *start, &some[..count]) };
            }
        }
        let mut all = self.first_sums::<COUNT, VECTORS>(biases);
        for (filter, all) in all.iter_mut().enumerate() {
            for (all, sums) in all.iter_mut().zip(&sums) {
                let [low, high] = sums[filter];
                // SAFETY: `self` proves that the processor has AVX2.
                *all = unsafe { _mm256_add_epi32(*all, _mm256_hadd_epi32(low, high)) };
            }
        }
        all
    }

    /// Adds the products of some taps for a vector: of the first and last two channels of a column
    /// apart, and of every other pair of columns apart. By value, so that sums stay in registers.
    ///
    /// # Safety
    /// From the start and the offset of each tap on, the ring has as many bytes as a vector.
    #[inline(always)]
    unsafe fn add_taps<const COUNT: usize>(
        self,
        mut sums: [[__m256i; 2]; COUNT],
        ring: &[u8],
        start: usize,
        taps: &[Tap],
    ) -> [[__m256i; 2]; COUNT] {
        let ring = ring.as_ptr().wrapping_add(start);
        for tap in taps {
            // SAFETY: `self` proves that the processor has AVX2; the caller knows that the bytes
            // are there.
            unsafe {
                let all = _mm256_loadu_si256(ring.wrapping_add(tap.offset).cast());
                let low = _mm256_unpacklo_epi8(all, self.zeros());
                let high = _mm256_unpackhi_epi8(all, self.zeros());
                for (sums, weights) in sums.iter_mut().zip(&tap.weights) {
                    let weights = _mm256_set1_epi64x(*weights);
                    sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(low, weights));
                    sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(high, weights));
                }
            }
        }
        sums
    }

    /// Puts the weights of filters into 16 bits.
    ///
    /// # Safety
    /// There are 4 weights for each of `COUNT` filters.
    #[inline(always)]
    unsafe fn widen<const COUNT: usize>(self, from: *const i8, to: &mut [i64; FILTERS]) {
        let mut filter = 0;
        while filter < COUNT {
            // SAFETY: `self` proves that the processor has AVX2; the caller knows that there are as
            // many weights as are read, and `to` has as many bytes as are written.
            unsafe {
                let from = from.add(4 * filter);
                let to = to.as_mut_ptr().add(filter);
                if filter + 2 <= COUNT {
                    let two = _mm_loadl_epi64(from.cast());
                    _mm_storeu_si128(to.cast(), _mm_cvtepi8_epi16(two));
                } else {
                    let one = _mm_cvtsi32_si128(from.cast::<i32>().read_unaligned());
                    _mm_storel_epi64(to.cast(), _mm_cvtepi8_epi16(one));
                }
            }
            filter += 2;
        }
    }
}
