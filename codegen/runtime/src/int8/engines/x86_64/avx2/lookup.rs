//! Tables, and the bytes that they have for indexes.
//!
//! A shuffle looks up one of 16 bytes, so that a table takes 16 of them. Most tables are straight
//! for a part of the indexes, where nothing has to be looked up.

use super::features::Avx2;
use core::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_blendv_epi8, _mm256_broadcastsi128_si256,
    _mm256_set1_epi8, _mm256_shuffle_epi8, _mm256_sub_epi8, _mm256_subs_epi8, _mm256_subs_epu8,
    _mm256_xor_si256,
};

/// The length of a part of a table.
const LEN: usize = 16;
/// Parts of half a table.
const PARTS: usize = 8;

/// A table, combined (exclusive or) with the line `index - less`, but at least 0.
#[derive(Clone, Copy)]
pub struct Table {
    less: u8,
    /// The parts of both halves: the first ones as they are, others combined with the one before.
    parts: [[[u8; LEN]; PARTS]; 2],
    /// Whether a half is not all zeros.
    is_curved: [bool; 2],
}

impl Table {
    /// Returns the table with these bytes.
    #[inline(always)]
    pub(super) fn new(bytes: &[u8; 256]) -> Table {
        let less = line(bytes);
        let mut table = Table { less, parts: [[[0; LEN]; PARTS]; 2], is_curved: [false; 2] };
        for half in 0..2 {
            let mut before = [0; LEN];
            for part in 0..PARTS {
                let first = (half * PARTS + part) * LEN;
                let mut curve = [0; LEN];
                for (at, to) in curve.iter_mut().enumerate() {
                    *to = bytes[first + at] ^ ((first + at) as u8).saturating_sub(less);
                }
                for (at, to) in table.parts[half][part].iter_mut().enumerate() {
                    *to = curve[at] ^ before[at];
                }
                table.is_curved[half] |= curve != [0; LEN];
                before = curve;
            }
        }
        table
    }
}

/// Returns what most indexes are more than their byte, of some all over the table.
#[inline(always)]
fn line(bytes: &[u8; 256]) -> u8 {
    let mut differences = [0u8; LEN];
    for (part, to) in differences.iter_mut().enumerate() {
        let at = part * LEN + LEN / 2;
        *to = (at as u8).saturating_sub(bytes[at]);
    }
    let (mut most, mut line) = (0, 0);
    for difference in differences {
        let count = differences.iter().filter(|other| **other == difference).count();
        if count > most {
            (most, line) = (count, difference);
        }
    }
    line
}

impl<const VNNI: bool> Avx2<VNNI> {
    /// Returns the bytes of a table.
    #[inline(always)]
    pub(super) fn look_up(self, table: &Table, index: __m256i) -> __m256i {
        // SAFETY: `self` proves that the processor has AVX2.
        unsafe {
            let straight = _mm256_subs_epu8(index, _mm256_set1_epi8(table.less as i8));
            let bytes = match table.is_curved {
                [false, false] => return straight,
                [true, false] => self.look_up_below(table, index),
                _ => self.look_up_all(table, index),
            };
            _mm256_xor_si256(straight, bytes)
        }
    }

    /// Returns the bytes of the first half, and zeros for indexes in the second one, which are
    /// negative.
    #[inline(always)]
    fn look_up_below(self, table: &Table, mut index: __m256i) -> __m256i {
        let mut bytes = self.zeros();
        for part in &table.parts[0] {
            bytes = self.add_part(bytes, part, index);
            // SAFETY: `self` proves that the processor has AVX2.
            index = unsafe { _mm256_subs_epi8(index, _mm256_set1_epi8(LEN as i8)) };
        }
        bytes
    }

    /// Returns the bytes of both halves.
    #[inline(always)]
    fn look_up_all(self, table: &Table, index: __m256i) -> __m256i {
        let (mut below, mut above) = (self.zeros(), self.zeros());
        // SAFETY: `self` proves that the processor has AVX2.
        unsafe {
            let mut within = _mm256_and_si256(index, _mm256_set1_epi8(0x7f));
            for part in 0..PARTS {
                below = self.add_part(below, &table.parts[0][part], within);
                above = self.add_part(above, &table.parts[1][part], within);
                within = _mm256_sub_epi8(within, _mm256_set1_epi8(LEN as i8));
            }
            _mm256_blendv_epi8(below, above, index)
        }
    }

    /// Combines bytes with those of a part, in which the indexes before it are negative. A shuffle
    /// gives 0 for them. It takes those after it for indexes into the part, but there the next part
    /// meets its own combination with this one.
    #[inline(always)]
    fn add_part(self, bytes: __m256i, part: &[u8; LEN], within: __m256i) -> __m256i {
        // SAFETY: `self` proves that the processor has AVX2; there are as many bytes as are read.
        unsafe {
            let part = _mm256_broadcastsi128_si256(_mm_loadu_si128(part.as_ptr().cast()));
            _mm256_xor_si256(bytes, _mm256_shuffle_epi8(part, within))
        }
    }
}
