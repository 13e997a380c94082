//! Rows of groups: the bytes of four channels side by side.

use super::super::super::super::engine::Group;
use super::features::{Avx512, BYTES};
use super::table::Way;
use core::arch::x86_64::{
    __m128i, __m512i, _mm_loadu_si128, _mm_maskz_loadu_epi8, _mm512_add_epi16,
    _mm512_castsi128_si512, _mm512_inserti32x4, _mm512_loadu_si512, _mm512_maddubs_epi16,
    _mm512_mask_blend_epi32, _mm512_packus_epi16, _mm512_permutexvar_epi8,
    _mm512_permutexvar_epi32, _mm512_set1_epi8, _mm512_set1_epi16, _mm512_set1_epi32,
    _mm512_shuffle_epi8, _mm512_srli_epi16, _mm512_storeu_si512,
};

/// Columns of a group that are computed together.
const COLUMNS: usize = 16;

/// The order of bytes that puts those of a column side by side: 16 of each channel become 16 groups.
const BYTES_OF_COLUMNS: [u8; BYTES] = order(16);
/// The same for 4 of each channel within 128 bits.
const BYTES_WITHIN: [u8; BYTES] = order(4);
/// The order of 32 bits that puts 4 columns of each channel into 128 bits.
const COLUMNS_OF_CHANNELS: [u32; 16] = [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15];

/// Returns for each byte of 4 times `columns` the place that it comes from.
const fn order(columns: usize) -> [u8; BYTES] {
    let (mut order, mut at) = ([0; BYTES], 0);
    while at < BYTES {
        let within = at % (4 * columns);
        order[at] = (within % 4 * columns + within / 4) as u8;
        at += 1;
    }
    order
}

/// The channels of a group whose rows are all there.
#[derive(Clone, Copy)]
struct Rows<'a> {
    from: &'a [u8],
    /// Where each channel begins; that of the last one for those past it.
    channels: [usize; 4],
}

impl<'a> Rows<'a> {
    /// Panics if one of the first `rows` rows of a channel is not there.
    #[inline(always)]
    fn new(group: &Group<'a>, rows: usize) -> Rows<'a> {
        let last = group.channels - 1;
        assert!(last < 4 && last * group.plane + rows * group.width <= group.from.len());
        let [a, b, c] = [last.min(1), last.min(2), last];
        let channels = [0, a * group.plane, b * group.plane, c * group.plane];
        Rows { from: group.from, channels }
    }
}

impl<const VBMI: bool> Avx512<VBMI> {
    /// Lays out a row of groups: what becomes of the bytes, then `padding`.
    #[inline(always)]
    pub(super) fn lay_groups(
        self,
        way: &Way<'_>,
        group: &Group<'_>,
        padding: [u8; 4],
        to: &mut [u8],
    ) {
        let rows = Rows::new(group, 1);
        let firsts = (0..group.width).step_by(COLUMNS);
        for (first, to) in firsts.zip(to.chunks_exact_mut(BYTES)) {
            let count = COLUMNS.min(group.width - first);
            // SAFETY: there are `count` more bytes in each row.
            let bytes = unsafe { self.load_columns(&rows, first, count) };
            let groups = self.by_columns(self.activated(way, bytes));
            // SAFETY: `self` proves that the processor has AVX-512F; `to` is as long as a vector.
            unsafe {
                let padding = _mm512_set1_epi32(i32::from_le_bytes(padding));
                let groups = _mm512_mask_blend_epi32(first_columns(count), padding, groups);
                _mm512_storeu_si512(to.as_mut_ptr().cast(), groups);
            }
        }
    }

    /// Lays out a row of groups: the averages of what becomes of 2 by 2 bytes.
    #[inline(always)]
    pub(super) fn lay_averages(self, way: &Way<'_>, group: &Group<'_>, to: &mut [u8]) {
        let rows = Rows::new(group, 2);
        let width = group.width / 2 * 2;
        let firsts = (0..width).step_by(2 * COLUMNS);
        for (first, to) in firsts.zip(to.chunks_exact_mut(BYTES)) {
            let mut averages = [self.zeros(); 2];
            for (half, averages) in averages.iter_mut().enumerate() {
                let first = first + half * COLUMNS;
                if first < width {
                    let count = COLUMNS.min(width - first);
                    // SAFETY: there are `count` more bytes in each of both rows.
                    let both = unsafe {
                        let above = self.load_columns(&rows, first, count);
                        let below = self.load_columns(&rows, group.width + first, count);
                        [self.activated(way, above), self.activated(way, below)]
                    };
                    *averages = self.averages(both);
                }
            }
            // SAFETY: `self` proves that the processor has AVX-512BW; `to` is as long as a vector.
            unsafe {
                let bytes = _mm512_packus_epi16(averages[0], averages[1]);
                _mm512_storeu_si512(to.as_mut_ptr().cast(), self.by_columns(bytes));
            }
        }
    }

    /// Returns the averages of pairs of bytes in two rows, in 16 bits.
    #[inline(always)]
    fn averages(self, [above, below]: [__m512i; 2]) -> __m512i {
        // SAFETY: `self` proves that the processor has AVX-512BW.
        unsafe {
            let ones = _mm512_set1_epi8(1);
            let above = _mm512_maddubs_epi16(above, ones);
            let below = _mm512_maddubs_epi16(below, ones);
            let sums = _mm512_add_epi16(_mm512_add_epi16(above, below), _mm512_set1_epi16(2));
            _mm512_srli_epi16::<2>(sums)
        }
    }

    /// Loads 16 bytes of each channel, the first `count` of which matter.
    ///
    /// # Safety
    /// From `first` on there are `count` bytes in each channel.
    #[inline(always)]
    unsafe fn load_columns(self, rows: &Rows<'_>, first: usize, count: usize) -> __m512i {
        // SAFETY: `self` proves that the processor has AVX-512F; the caller knows that these bytes
        // are there.
        unsafe {
            let [a, b, c, d] = rows.channels;
            let all = _mm512_castsi128_si512(self.load_channel(rows, a + first, count));
            let all = _mm512_inserti32x4::<1>(all, self.load_channel(rows, b + first, count));
            let all = _mm512_inserti32x4::<2>(all, self.load_channel(rows, c + first, count));
            _mm512_inserti32x4::<3>(all, self.load_channel(rows, d + first, count))
        }
    }

    /// Loads 16 bytes, the first `count` of which matter.
    ///
    /// # Safety
    /// There are `count` bytes.
    #[inline(always)]
    unsafe fn load_channel(self, rows: &Rows<'_>, at: usize, count: usize) -> __m128i {
        // SAFETY: `self` proves that the processor has AVX-512BW and VL; the caller knows that
        // these bytes are there, and no others are read.
        unsafe {
            let from: *const i8 = rows.from.as_ptr().add(at).cast();
            if count == COLUMNS {
                return _mm_loadu_si128(from.cast());
            }
            _mm_maskz_loadu_epi8(first_columns(count), from)
        }
    }

    /// Puts the bytes of each column side by side.
    #[inline(always)]
    fn by_columns(self, bytes: __m512i) -> __m512i {
        // SAFETY: `self` proves that the processor has AVX-512BW, and VBMI where it is used; the
        // orders fill a vector.
        unsafe {
            if VBMI {
                let order = _mm512_loadu_si512(BYTES_OF_COLUMNS.as_ptr().cast());
                return _mm512_permutexvar_epi8(order, bytes);
            }
            let columns = _mm512_loadu_si512(COLUMNS_OF_CHANNELS.as_ptr().cast());
            let within = _mm512_loadu_si512(BYTES_WITHIN.as_ptr().cast());
            _mm512_shuffle_epi8(_mm512_permutexvar_epi32(columns, bytes), within)
        }
    }
}

/// Returns the mask of the first columns, 16 at most.
#[inline(always)]
fn first_columns(count: usize) -> u16 {
    ((1u32 << count) - 1) as u16
}
