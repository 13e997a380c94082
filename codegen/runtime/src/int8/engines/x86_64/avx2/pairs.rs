//! Sums of products by AVX2: of pairs in 16 bits, which no instruction saturates.

use super::super::super::super::taps::Taps;
use super::features::{Avx2, BYTES};
use core::arch::x86_64::{
    __m128i, __m256i, _mm_cvtsi32_si128, _mm_loadl_epi64, _mm_loadu_si128, _mm_slli_epi16,
    _mm_srai_epi16, _mm_storeu_si128, _mm_unpacklo_epi64, _mm256_add_epi32, _mm256_and_si256,
    _mm256_loadu_si256, _mm256_madd_epi16, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_srli_epi16,
};

/// Taps whose weights are widened together.
const TAPS: usize = 16;
/// The most filters: with more, the bytes and sums of two vectors would need more than 16 registers.
pub(super) const FILTERS: usize = 4;

/// A tap: its offset, and the weights of each filter in 16 bits, those of the first and third
/// channel and those of the others.
#[derive(Clone, Copy)]
struct Tap {
    offset: usize,
    pairs: [[i32; FILTERS]; 2],
}

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
        let mut some = [Tap { offset: 0, pairs: [[0; FILTERS]; 2] }; TAPS];
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
                    some[count].pairs = unsafe { self.widen::<COUNT>(weights) };
                    weights = weights.wrapping_add(4 * TILE);
                    count += 1;
                    if count == TAPS {
                        // SAFETY: `Taps::check` has found all bytes to be there.
                        unsafe { self.add_taps(&mut sums, taps.ring, &starts, &some) };
                        count = 0;
                    }
                }
            }
            // SAFETY: `Taps::check` has found all bytes to be there.
            unsafe { self.add_taps(&mut sums, taps.ring, &starts, &some[..count]) };
        }
        sums
    }

    /// Adds the products of some taps, for two vectors at a time.
    ///
    /// # Safety
    /// From the start of each vector and the offset of each tap on, the ring has as many bytes as a
    /// vector.
    #[inline(always)]
    unsafe fn add_taps<const COUNT: usize, const VECTORS: usize>(
        self,
        all: &mut [[__m256i; VECTORS]; COUNT],
        ring: &[u8],
        starts: &[usize; VECTORS],
        taps: &[Tap],
    ) {
        let mut first = 0;
        while first + 1 < VECTORS {
            let mut sums = [[self.zeros(); 2]; COUNT];
            for (sums, all) in sums.iter_mut().zip(all.iter()) {
                *sums = [all[first], all[first + 1]];
            }
            // SAFETY: as the caller knows.
            sums =
                unsafe { self.add_to_some(sums, ring, [starts[first], starts[first + 1]], taps) };
            for (sums, all) in sums.iter().zip(all.iter_mut()) {
                (all[first], all[first + 1]) = (sums[0], sums[1]);
            }
            first += 2;
        }
        if first < VECTORS {
            let mut sums = [[self.zeros(); 1]; COUNT];
            for (sums, all) in sums.iter_mut().zip(all.iter()) {
                *sums = [all[first]];
            }
            // SAFETY: as the caller knows.
            sums = unsafe { self.add_to_some(sums, ring, [starts[first]], taps) };
            for (sums, all) in sums.iter().zip(all.iter_mut()) {
                all[first] = sums[0];
            }
        }
    }

    /// Adds the products of some taps. By value, so that sums stay in registers.
    ///
    /// # Safety
    /// As for [`Self::add_taps`].
    #[inline(always)]
    unsafe fn add_to_some<const COUNT: usize, const VECTORS: usize>(
        self,
        mut sums: [[__m256i; VECTORS]; COUNT],
        ring: &[u8],
        starts: [usize; VECTORS],
        taps: &[Tap],
    ) -> [[__m256i; VECTORS]; COUNT] {
        for tap in taps {
            let mut bytes = [[self.zeros(); VECTORS]; 2];
            for (vector, start) in starts.iter().enumerate() {
                // SAFETY: `self` proves that the processor has AVX2; the caller knows that the
                // bytes are there.
                unsafe {
                    let from = ring.as_ptr().add(tap.offset + start);
                    let all = _mm256_loadu_si256(from.cast());
                    bytes[0][vector] = _mm256_and_si256(all, _mm256_set1_epi16(0xff));
                    bytes[1][vector] = _mm256_srli_epi16::<8>(all);
                }
            }
            for (bytes, pairs) in bytes.iter().zip(&tap.pairs) {
                for (sums, pair) in sums.iter_mut().zip(pairs) {
                    for (sum, bytes) in sums.iter_mut().zip(bytes) {
                        // SAFETY: `self` proves that the processor has AVX2.
                        *sum = unsafe {
                            let products = _mm256_madd_epi16(*bytes, _mm256_set1_epi32(*pair));
                            _mm256_add_epi32(*sum, products)
                        };
                    }
                }
            }
        }
        sums
    }

    /// Returns the weights of filters in 16 bits.
    ///
    /// # Safety
    /// There are 4 weights for each of `COUNT` filters.
    #[inline(always)]
    unsafe fn widen<const COUNT: usize>(self, from: *const i8) -> [[i32; FILTERS]; 2] {
        let mut pairs = [[0; FILTERS]; 2];
        // SAFETY: x86-64 has SSE2; the caller knows that there are as many weights as are read, and
        // `pairs` has as many bytes as are written.
        unsafe {
            let weights = match COUNT {
                4 => _mm_loadu_si128(from.cast()),
                3 => self.three(from),
                2 => _mm_loadl_epi64(from.cast()),
                _ => _mm_cvtsi32_si128(from.cast::<i32>().read_unaligned()),
            };
            let first = _mm_srai_epi16::<8>(_mm_slli_epi16::<8>(weights));
            _mm_storeu_si128(pairs[0].as_mut_ptr().cast(), first);
            _mm_storeu_si128(pairs[1].as_mut_ptr().cast(), _mm_srai_epi16::<8>(weights));
        }
        pairs
    }

    /// Loads the weights of three filters.
    ///
    /// # Safety
    /// They are there.
    #[inline(always)]
    unsafe fn three(self, from: *const i8) -> __m128i {
        // SAFETY: x86-64 has SSE2; the caller knows that there are as many weights as are read.
        unsafe {
            let last = _mm_cvtsi32_si128(from.add(8).cast::<i32>().read_unaligned());
            _mm_unpacklo_epi64(_mm_loadl_epi64(from.cast()), last)
        }
    }
}
