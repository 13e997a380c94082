//! The integer formulas. Each shift floors.

/// Fractional bits of the means before the classifier.
pub const MEAN_BITS: u32 = 6;

/// Returns the index into a table: the sum of `(value * factor) >> 8` over the terms and of the
/// offset, shifted to the right, at least 0 and at most 255.
#[inline(always)]
pub fn table_index(terms: &[(u8, i16)], offset: i16, shift: u8) -> usize {
    let mut position = i32::from(offset);
    for (value, factor) in terms {
        position += (i32::from(*value as i8) * i32::from(*factor)) >> 8;
    }
    (position >> shift).clamp(0, 255) as usize
}

/// Returns the value of a sum of products.
#[inline(always)]
pub fn requantized(sum: i32, multiplier: i32) -> u8 {
    ((i64::from(sum) * i64::from(multiplier)) >> 32).clamp(-128, 127) as u8
}

/// Returns the logit of a sum of products.
#[inline(always)]
pub fn logit(sum: i32, multiplier: i32) -> i32 {
    ((i64::from(sum) * i64::from(multiplier)) >> 32) as i32
}

/// Returns the mean of `size * size` signed bytes with this sum, rounded.
#[inline(always)]
pub fn square_mean(sum: i32, size: usize) -> u8 {
    if size == 2 {
        return ((sum + 2) >> 2) as u8;
    }
    let count = (size * size) as i64;
    let reciprocal = ((1 << 32) + count / 2) / count;
    ((i64::from(sum) * reciprocal + (1 << 31)) >> 32).clamp(-128, 127) as u8
}

/// Returns the mean of `positions` unsigned bytes with this sum, with [`MEAN_BITS`] fractional
/// bits.
#[inline(always)]
pub fn plane_mean(sum: u32, positions: usize) -> i32 {
    let positions = positions as i64;
    let reciprocal = ((1 << (24 + MEAN_BITS)) + positions / 2) / positions;
    ((i64::from(sum) * reciprocal + (1 << 23)) >> 24) as i32
}
