//! Rows of groups: the bytes of four channels side by side.

use super::super::super::super::engine::Group;
use super::features::{Avx2, BYTES};
use super::table::Way;
use core::arch::x86_64::{
    __m256i, _mm_unpackhi_epi16, _mm_unpacklo_epi16, _mm256_add_epi16, _mm256_blendv_epi8,
    _mm256_castsi256_si128, _mm256_cmpgt_epi32, _mm256_extracti128_si256, _mm256_loadu_si256,
    _mm256_maddubs_epi16, _mm256_packus_epi16, _mm256_set_epi64x, _mm256_set_m128i,
    _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_shuffle_epi8, _mm256_srli_epi16,
    _mm256_storeu_si256,
};

/// Columns of a group that are computed together.
const COLUMNS: usize = 8;
/// The numbers of the columns.
const NUMBERS: [i32; COLUMNS] = [0, 1, 2, 3, 4, 5, 6, 7];
/// The order of bytes within 128 bits that puts those of two channels side by side, if each has 8
/// bytes of its own.
const PAIRS: [u8; BYTES] = order(8);
/// The same if the channels' bytes alternate by 4.
const PAIRS_OF_AVERAGES: [u8; BYTES] = order(4);

/// Returns for each byte of pairs the place that it comes from, if channels alternate by `run`.
const fn order(run: usize) -> [u8; BYTES] {
    let (mut order, mut at) = ([0; BYTES], 0);
    while at < BYTES {
        let (column, channel) = (at % 16 / 2, at % 2);
        order[at] = (column / run * 2 * run + channel * run + column % run) as u8;
        at += 1;
    }
    order
}

impl<const VNNI: bool> Avx2<VNNI> {
    /// Lays out a row of groups: what becomes of the bytes, then `padding`.
    #[inline(always)]
    pub(super) fn lay_groups(
        self,
        way: &Way<'_>,
        group: &Group<'_>,
        padding: [u8; 4],
        to: &mut [u8],
    ) {
        let firsts = (0..group.width).step_by(COLUMNS);
        for (first, to) in firsts.zip(to.chunks_exact_mut(BYTES)) {
            let bytes = self.activated(way, self.load_columns(group, first));
            let mut groups = self.by_columns(bytes, &PAIRS);
            let count = group.width - first;
            if count < COLUMNS {
                groups = self.padded(groups, count, padding);
            }
            self.store_groups(groups, to);
        }
    }

    /// Lays out a row of groups: the averages of what becomes of 2 by 2 bytes.
    #[inline(always)]
    pub(super) fn lay_averages(self, way: &Way<'_>, group: &Group<'_>, to: &mut [u8]) {
        let firsts = (0..group.width / 2 * 2).step_by(2 * COLUMNS);
        for (first, to) in firsts.zip(to.chunks_exact_mut(BYTES)) {
            let mut averages = [self.zeros(); 2];
            for (half, averages) in averages.iter_mut().enumerate() {
                let first = first + half * COLUMNS;
                let above = self.activated(way, self.load_columns(group, first));
                let below = self.activated(way, self.load_columns(group, group.width + first));
                *averages = self.averages([above, below]);
            }
            // SAFETY: `self` proves that the processor has AVX2.
            let bytes = unsafe { _mm256_packus_epi16(averages[0], averages[1]) };
            self.store_groups(self.by_columns(bytes, &PAIRS_OF_AVERAGES), to);
        }
    }

    /// Returns the averages of pairs of bytes in two rows, in 16 bits.
    #[inline(always)]
    fn averages(self, [above, below]: [__m256i; 2]) -> __m256i {
        // SAFETY: `self` proves that the processor has AVX2.
        unsafe {
            let ones = _mm256_set1_epi8(1);
            let above = _mm256_maddubs_epi16(above, ones);
            let below = _mm256_maddubs_epi16(below, ones);
            let sums = _mm256_add_epi16(_mm256_add_epi16(above, below), _mm256_set1_epi16(2));
            _mm256_srli_epi16::<2>(sums)
        }
    }

    /// Loads 8 bytes of each channel from the column `first` on; what follows a row does not
    /// matter, and neither does what stands in place of missing channels.
    #[inline(always)]
    fn load_columns(self, group: &Group<'_>, first: usize) -> __m256i {
        let last = group.channels - 1;
        let channel = |channel: usize| {
            eight_bytes(group.from, last.min(channel) * group.plane + first) as i64
        };
        // SAFETY: `self` proves that the processor has AVX.
        unsafe { _mm256_set_epi64x(channel(3), channel(2), channel(1), channel(0)) }
    }

    /// Puts the bytes of each column side by side; `pairs` does so for two channels.
    #[inline(always)]
    fn by_columns(self, bytes: __m256i, pairs: &[u8; BYTES]) -> __m256i {
        // SAFETY: `self` proves that the processor has AVX2; the order fills a vector.
        unsafe {
            let pairs = _mm256_loadu_si256(pairs.as_ptr().cast());
            let bytes = _mm256_shuffle_epi8(bytes, pairs);
            let first = _mm256_castsi256_si128(bytes);
            let second = _mm256_extracti128_si256::<1>(bytes);
            let low = _mm_unpacklo_epi16(first, second);
            _mm256_set_m128i(_mm_unpackhi_epi16(first, second), low)
        }
    }

    /// Returns the first `count` groups, and `padding` in place of the others.
    #[inline(always)]
    fn padded(self, groups: __m256i, count: usize, padding: [u8; 4]) -> __m256i {
        // SAFETY: `self` proves that the processor has AVX2; there is a number for each column.
        unsafe {
            let numbers = _mm256_loadu_si256(NUMBERS.as_ptr().cast());
            let is_first = _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), numbers);
            let padding = _mm256_set1_epi32(i32::from_le_bytes(padding));
            _mm256_blendv_epi8(padding, groups, is_first)
        }
    }

    #[inline(always)]
    fn store_groups(self, groups: __m256i, to: &mut [u8]) {
        let to = &mut to[..BYTES];
        // SAFETY: `self` proves that the processor has AVX; there are as many bytes as are written.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), groups) };
    }
}

/// Returns 8 bytes, with zeros in place of those past the end.
#[inline(always)]
fn eight_bytes(from: &[u8], at: usize) -> u64 {
    match from.get(at..at + 8) {
        Some(bytes) => u64::from_le_bytes(bytes.try_into().expect("eight bytes")),
        None => last_bytes(from, at),
    }
}

#[cold]
fn last_bytes(from: &[u8], at: usize) -> u64 {
    let rest = from.get(at..).unwrap_or(&[]);
    rest.iter().rev().fold(0, |bytes, byte| bytes << 8 | u64::from(*byte))
}
