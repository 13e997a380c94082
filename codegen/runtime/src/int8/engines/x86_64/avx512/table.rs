//! Indexes into a table, and its bytes.

use super::super::super::super::engine::{Affine, Affines};
use super::features::{Avx512, BYTES};
use core::arch::x86_64::{
    __m128i, __m512i, _mm_cvtsi32_si128, _mm512_add_epi64, _mm512_adds_epi16, _mm512_and_si512,
    _mm512_loadu_si512, _mm512_mask_blend_epi8, _mm512_mask_blend_epi16, _mm512_mask_storeu_epi8,
    _mm512_maskz_loadu_epi8, _mm512_maskz_mov_epi8, _mm512_movepi8_mask, _mm512_movepi16_mask,
    _mm512_mulhi_epi16, _mm512_or_si512, _mm512_packus_epi16, _mm512_permutex2var_epi8,
    _mm512_permutex2var_epi16, _mm512_reduce_add_epi64, _mm512_sad_epu8, _mm512_set1_epi8,
    _mm512_set1_epi16, _mm512_set1_epi64, _mm512_shuffle_epi8, _mm512_slli_epi16, _mm512_sra_epi16,
    _mm512_srli_epi16, _mm512_srlv_epi16, _mm512_unpackhi_epi8, _mm512_unpacklo_epi8,
    _mm512_xor_si512,
};

/// A linear function in 16 bits.
#[derive(Clone, Copy)]
pub(super) struct Linear {
    factors: __m512i,
    offsets: __m512i,
    shift: __m128i,
}

/// What spreads the numbers of four channels: each over 128 bits.
const SPREAD: [u8; BYTES] = {
    let (mut order, mut at) = ([0; BYTES], 0);
    while at < BYTES {
        order[at] = (at / 16 * 2 + at % 2) as u8;
        at += 1;
    }
    order
};

/// What becomes of bytes on the way into a group.
#[derive(Clone, Copy)]
pub(super) enum Way<'a> {
    /// What a table has for a linear function of them.
    Table(&'a [__m512i; 4], Linear),
    /// What they are after an exclusive or.
    Plain(u8),
}

impl<const VBMI: bool> Avx512<VBMI> {
    /// Returns the function of one channel.
    #[inline(always)]
    pub(super) fn linear(self, affine: Affine) -> Linear {
        // SAFETY: `self` proves that the processor has AVX-512BW.
        unsafe {
            Linear {
                factors: _mm512_set1_epi16(affine.factors[0]),
                offsets: _mm512_set1_epi16(affine.offset),
                shift: _mm_cvtsi32_si128(i32::from(affine.shift)),
            }
        }
    }

    /// Returns the functions of a group: each channel's in 128 bits.
    #[inline(always)]
    pub(super) fn linear_of_group(self, affines: &Affines) -> Linear {
        Linear {
            factors: self.spread(affines.factors),
            offsets: self.spread(affines.offsets),
            // SAFETY: x86-64 has SSE2.
            shift: unsafe { _mm_cvtsi32_si128(i32::from(affines.shift)) },
        }
    }

    /// Returns each number in all of 128 bits.
    #[inline(always)]
    fn spread(self, [a, b, c, d]: [i16; 4]) -> __m512i {
        let low = u64::from(a as u16) | u64::from(b as u16) << 16;
        let high = u64::from(c as u16) | u64::from(d as u16) << 16;
        // SAFETY: `self` proves that the processor has AVX-512BW; the order fills a vector.
        unsafe {
            let order = _mm512_loadu_si512(SPREAD.as_ptr().cast());
            _mm512_shuffle_epi8(_mm512_set1_epi64((low | high << 32) as i64), order)
        }
    }

    /// Returns what becomes of bytes.
    #[inline(always)]
    pub(super) fn activated(self, way: &Way<'_>, bytes: __m512i) -> __m512i {
        match way {
            Way::Table(table, linear) => self.look_up(table, self.index(linear, bytes)),
            Way::Plain(mask) => self.flipped(bytes, *mask),
        }
    }

    /// Returns the indexes for bytes.
    #[inline(always)]
    pub(super) fn index(self, linear: &Linear, bytes: __m512i) -> __m512i {
        let [low, high] = self.products(linear, bytes);
        self.index_at(linear, low, high)
    }

    /// Returns the indexes for the sums of two terms; the offset and shift are those of the first.
    #[inline(always)]
    pub(super) fn index_of_sum(self, linear: [&Linear; 2], terms: [__m512i; 2]) -> __m512i {
        let first = self.products(linear[0], terms[0]);
        let second = self.products(linear[1], terms[1]);
        // SAFETY: `self` proves that the processor has AVX-512BW.
        let [low, high] = unsafe {
            [_mm512_adds_epi16(first[0], second[0]), _mm512_adds_epi16(first[1], second[1])]
        };
        self.index_at(linear[0], low, high)
    }

    /// Returns `(byte * factor) >> 8` for the low and the high bytes of each 128 bits.
    #[inline(always)]
    fn products(self, linear: &Linear, bytes: __m512i) -> [__m512i; 2] {
        let zeros = self.zeros();
        // A byte in the upper half of 16 bits is 256 times as large; the upper half of the product
        // is what is wanted.
        // SAFETY: `self` proves that the processor has AVX-512BW.
        unsafe {
            [
                _mm512_mulhi_epi16(_mm512_unpacklo_epi8(zeros, bytes), linear.factors),
                _mm512_mulhi_epi16(_mm512_unpackhi_epi8(zeros, bytes), linear.factors),
            ]
        }
    }

    #[inline(always)]
    fn index_at(self, linear: &Linear, low: __m512i, high: __m512i) -> __m512i {
        // SAFETY: `self` proves that the processor has AVX-512BW.
        unsafe {
            let low = _mm512_sra_epi16(_mm512_adds_epi16(low, linear.offsets), linear.shift);
            let high = _mm512_sra_epi16(_mm512_adds_epi16(high, linear.offsets), linear.shift);
            _mm512_packus_epi16(low, high)
        }
    }

    /// Returns the bytes of a table.
    #[inline(always)]
    pub(super) fn look_up(self, table: &[__m512i; 4], index: __m512i) -> __m512i {
        if !VBMI {
            return self.look_up_words(table, index);
        }
        // SAFETY: `self` proves that the processor has AVX-512VBMI and BW.
        unsafe {
            let below = _mm512_permutex2var_epi8(table[0], index, table[1]);
            let above = _mm512_permutex2var_epi8(table[2], index, table[3]);
            _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), below, above)
        }
    }

    /// Does what [`Self::look_up`] does, with instructions that look up 16 bits: for every other
    /// byte at a time.
    #[inline(always)]
    fn look_up_words(self, table: &[__m512i; 4], index: __m512i) -> __m512i {
        // SAFETY: `self` proves that the processor has AVX-512BW.
        unsafe {
            let even = _mm512_and_si512(index, _mm512_set1_epi16(0xff));
            let odd = _mm512_srli_epi16::<8>(index);
            let (even, odd) = (self.look_up_word(table, even), self.look_up_word(table, odd));
            _mm512_or_si512(even, _mm512_slli_epi16::<8>(odd))
        }
    }

    /// Returns the bytes of a table for indexes in 16 bits.
    #[inline(always)]
    fn look_up_word(self, table: &[__m512i; 4], index: __m512i) -> __m512i {
        // SAFETY: `self` proves that the processor has AVX-512BW.
        unsafe {
            let at = _mm512_srli_epi16::<1>(index);
            let below = _mm512_permutex2var_epi16(table[0], at, table[1]);
            let above = _mm512_permutex2var_epi16(table[2], at, table[3]);
            let is_above = _mm512_movepi16_mask(_mm512_slli_epi16::<8>(index));
            let pair = _mm512_mask_blend_epi16(is_above, below, above);
            let is_odd = _mm512_and_si512(index, _mm512_set1_epi16(1));
            let byte = _mm512_srlv_epi16(pair, _mm512_slli_epi16::<3>(is_odd));
            _mm512_and_si512(byte, _mm512_set1_epi16(0xff))
        }
    }

    /// Returns bytes combined with `flip` (exclusive or).
    #[inline(always)]
    pub(super) fn flipped(self, bytes: __m512i, flip: u8) -> __m512i {
        // SAFETY: `self` proves that the processor has AVX-512BW.
        unsafe { _mm512_xor_si512(bytes, _mm512_set1_epi8(flip as i8)) }
    }

    /// Loads all of `from`, and zeros; panics if it is longer than a vector.
    #[inline(always)]
    pub(super) fn load_part(self, from: &[u8]) -> __m512i {
        // SAFETY: `self` proves that the processor has AVX-512BW; only as many bytes are read as
        // there are.
        unsafe { _mm512_maskz_loadu_epi8(first_bytes(from.len()), from.as_ptr().cast()) }
    }

    /// Stores as many bytes as fill `to`; panics if it is longer than a vector.
    #[inline(always)]
    pub(super) fn store_part(self, bytes: __m512i, to: &mut [u8]) {
        // SAFETY: `self` proves that the processor has AVX-512BW; only as many bytes are written as
        // there are.
        unsafe {
            _mm512_mask_storeu_epi8(to.as_mut_ptr().cast(), first_bytes(to.len()), bytes);
        }
    }

    /// Adds the first `count` unsigned bytes to sums.
    #[inline(always)]
    pub(super) fn add_bytes(self, sums: __m512i, bytes: __m512i, count: usize) -> __m512i {
        // SAFETY: `self` proves that the processor has AVX-512BW.
        unsafe {
            let bytes = _mm512_maskz_mov_epi8(first_bytes(count), bytes);
            _mm512_add_epi64(sums, _mm512_sad_epu8(bytes, self.zeros()))
        }
    }

    /// Returns the total of sums of bytes.
    #[inline(always)]
    pub(super) fn total(self, sums: __m512i) -> u32 {
        // SAFETY: `self` proves that the processor has AVX-512F.
        unsafe { _mm512_reduce_add_epi64(sums) as u32 }
    }
}

/// Returns the mask of the first bytes; panics if a vector has fewer.
#[inline(always)]
fn first_bytes(count: usize) -> u64 {
    assert!(count <= BYTES);
    if count == BYTES { u64::MAX } else { (1 << count) - 1 }
}
