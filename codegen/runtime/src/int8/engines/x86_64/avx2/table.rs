//! Indexes into a table, and its bytes.

use super::super::super::super::engine::{Affine, Affines};
use super::features::{Avx2, BYTES};
use super::lookup::Table;
use core::arch::x86_64::{
    __m128i, __m256i, _mm_cvtsi32_si128, _mm256_add_epi64, _mm256_adds_epi16, _mm256_and_si256,
    _mm256_loadu_si256, _mm256_mulhi_epi16, _mm256_packus_epi16, _mm256_sad_epu8, _mm256_set1_epi8,
    _mm256_set1_epi16, _mm256_set1_epi64x, _mm256_shuffle_epi8, _mm256_sra_epi16,
    _mm256_storeu_si256, _mm256_unpackhi_epi8, _mm256_unpacklo_epi8, _mm256_xor_si256,
};

/// A linear function in 16 bits: for the low and the high bytes of each 128 bits.
#[derive(Clone, Copy)]
pub(super) struct Linear {
    factors: [__m256i; 2],
    offsets: [__m256i; 2],
    shift: __m128i,
}

/// What becomes of bytes on the way into a group.
#[derive(Clone, Copy)]
pub(super) enum Way<'a> {
    /// What a table has for a linear function of them.
    Table(&'a Table, Linear),
    /// What they are after an exclusive or.
    Plain(u8),
}

/// What spreads the numbers of four channels: those of the first and third over 128 bits each, and
/// those of the others.
const SPREAD: [[u8; BYTES]; 2] = [spread_order(0), spread_order(1)];

const fn spread_order(channel: usize) -> [u8; BYTES] {
    let (mut order, mut at) = ([0; BYTES], 0);
    while at < BYTES {
        order[at] = ((channel + at / 16 * 2) * 2 + at % 2) as u8;
        at += 1;
    }
    order
}

/// What keeps the first bytes, from the 32nd minus their number on.
const KEPT: [u8; 2 * BYTES] = {
    let (mut kept, mut at) = ([0; 2 * BYTES], 0);
    while at < BYTES {
        kept[at] = 0xff;
        at += 1;
    }
    kept
};

impl<const VNNI: bool> Avx2<VNNI> {
    /// Returns the function of one channel.
    #[inline(always)]
    pub(super) fn linear(self, affine: Affine) -> Linear {
        // SAFETY: `self` proves that the processor has AVX2.
        unsafe {
            Linear {
                factors: [_mm256_set1_epi16(affine.factors[0]); 2],
                offsets: [_mm256_set1_epi16(affine.offset); 2],
                shift: _mm_cvtsi32_si128(i32::from(affine.shift)),
            }
        }
    }

    /// Returns the functions of a group: the first and third channel have the low bytes.
    #[inline(always)]
    pub(super) fn linear_of_group(self, affines: &Affines) -> Linear {
        Linear {
            factors: self.spread(affines.factors),
            offsets: self.spread(affines.offsets),
            // SAFETY: x86-64 has SSE2.
            shift: unsafe { _mm_cvtsi32_si128(i32::from(affines.shift)) },
        }
    }

    #[inline(always)]
    fn spread(self, [a, b, c, d]: [i16; 4]) -> [__m256i; 2] {
        let low = u64::from(a as u16) | u64::from(b as u16) << 16;
        let high = u64::from(c as u16) | u64::from(d as u16) << 16;
        // SAFETY: `self` proves that the processor has AVX2; the orders fill vectors.
        unsafe {
            let all = _mm256_set1_epi64x((low | high << 32) as i64);
            let [first, second] = &SPREAD;
            [
                _mm256_shuffle_epi8(all, _mm256_loadu_si256(first.as_ptr().cast())),
                _mm256_shuffle_epi8(all, _mm256_loadu_si256(second.as_ptr().cast())),
            ]
        }
    }

    /// Returns what becomes of bytes.
    #[inline(always)]
    pub(super) fn activated(self, way: &Way<'_>, bytes: __m256i) -> __m256i {
        match way {
            Way::Table(table, linear) => self.look_up(table, self.index(linear, bytes)),
            Way::Plain(mask) => self.flipped(bytes, *mask),
        }
    }

    /// Returns the indexes for bytes.
    #[inline(always)]
    pub(super) fn index(self, linear: &Linear, bytes: __m256i) -> __m256i {
        let [low, high] = self.products(linear, bytes);
        self.index_at(linear, low, high)
    }

    /// Returns the indexes for the sums of two terms; the offset and shift are those of the first.
    #[inline(always)]
    pub(super) fn index_of_sum(self, linear: [&Linear; 2], terms: [__m256i; 2]) -> __m256i {
        let first = self.products(linear[0], terms[0]);
        let second = self.products(linear[1], terms[1]);
        // SAFETY: `self` proves that the processor has AVX2.
        let [low, high] = unsafe {
            [_mm256_adds_epi16(first[0], second[0]), _mm256_adds_epi16(first[1], second[1])]
        };
        self.index_at(linear[0], low, high)
    }

    /// Returns `(byte * factor) >> 8` for the low and the high bytes of each 128 bits.
    #[inline(always)]
    fn products(self, linear: &Linear, bytes: __m256i) -> [__m256i; 2] {
        let zeros = self.zeros();
        // A byte in the upper half of 16 bits is 256 times as large; the upper half of the product
        // is what is wanted.
        // SAFETY: `self` proves that the processor has AVX2.
        unsafe {
            [
                _mm256_mulhi_epi16(_mm256_unpacklo_epi8(zeros, bytes), linear.factors[0]),
                _mm256_mulhi_epi16(_mm256_unpackhi_epi8(zeros, bytes), linear.factors[1]),
            ]
        }
    }

    #[inline(always)]
    fn index_at(self, linear: &Linear, low: __m256i, high: __m256i) -> __m256i {
        // SAFETY: `self` proves that the processor has AVX2.
        unsafe {
            let low = _mm256_adds_epi16(low, linear.offsets[0]);
            let high = _mm256_adds_epi16(high, linear.offsets[1]);
            let low = _mm256_sra_epi16(low, linear.shift);
            _mm256_packus_epi16(low, _mm256_sra_epi16(high, linear.shift))
        }
    }

    /// Returns bytes combined with `flip` (exclusive or).
    #[inline(always)]
    pub(super) fn flipped(self, bytes: __m256i, flip: u8) -> __m256i {
        // SAFETY: `self` proves that the processor has AVX2.
        unsafe { _mm256_xor_si256(bytes, _mm256_set1_epi8(flip as i8)) }
    }

    /// Loads all of `from`, and zeros; panics if it is longer than a vector.
    #[inline(always)]
    pub(super) fn load_part(self, from: &[u8]) -> __m256i {
        let mut whole = [0; BYTES];
        let from = from.first_chunk().unwrap_or_else(|| {
            whole[..from.len()].copy_from_slice(from);
            &whole
        });
        // SAFETY: `self` proves that the processor has AVX; there are as many bytes as are read.
        unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
    }

    /// Stores as many bytes as fill `to`; panics if it is longer than a vector.
    #[inline(always)]
    pub(super) fn store_part(self, bytes: __m256i, to: &mut [u8]) {
        let mut whole = [0; BYTES];
        // SAFETY: `self` proves that the processor has AVX; there are as many bytes as are written.
        unsafe { _mm256_storeu_si256(whole.as_mut_ptr().cast(), bytes) };
        match to.first_chunk_mut() {
            Some(to) => *to = whole,
            None => to.copy_from_slice(&whole[..to.len()]),
        }
    }

    /// Adds the first `count` unsigned bytes to sums.
    #[inline(always)]
    pub(super) fn add_bytes(self, sums: __m256i, bytes: __m256i, count: usize) -> __m256i {
        let kept = &KEPT[BYTES - count..][..BYTES];
        // SAFETY: `self` proves that the processor has AVX2; there are as many bytes as are read.
        unsafe {
            let bytes = _mm256_and_si256(bytes, _mm256_loadu_si256(kept.as_ptr().cast()));
            _mm256_add_epi64(sums, _mm256_sad_epu8(bytes, self.zeros()))
        }
    }

    /// Returns the total of sums of bytes.
    #[inline(always)]
    pub(super) fn total(self, sums: __m256i) -> u32 {
        let mut parts = [0u64; 4];
        // SAFETY: `self` proves that the processor has AVX; there are as many bytes as are written.
        unsafe { _mm256_storeu_si256(parts.as_mut_ptr().cast(), sums) };
        parts.iter().sum::<u64>() as u32
    }
}
