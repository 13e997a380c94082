//! The integer formulas. Each shift floors.
//!
//! A value is a signed byte X. The result of a table, and a pixel, is an unsigned byte y; it is
//! kept as `X = y - 128`, which is the same byte with its highest bit inverted.

/// Fractional bits of the means before the classifier.
pub const MEAN_BITS: u32 = 6;

/// Returns the unsigned byte that a value stands for.
pub fn unsigned(value: i8) -> u8 {
    value as u8 ^ 0x80
}

/// Returns the value that stands for an unsigned byte.
pub fn signed(byte: u8) -> i8 {
    (byte ^ 0x80) as i8
}

/// Returns the index into a table, 0 to 255: the sum of `(value * factor) >> 8` over the operands
/// and of the offset, shifted to the right.
///
/// Each term and the sum of the terms fit 16 bits (checked for all parameters that are read), and
/// for a shift of at most 7 the last sum may saturate to 16 bits without a change of the index.
pub fn table_index(operands: &[(i8, i16)], offset: i16, shift: u8) -> u8 {
    let terms =
        operands.iter().map(|(value, factor)| (i32::from(*value) * i32::from(*factor)) >> 8);
    let position = terms.sum::<i32>() + i32::from(offset);
    (position >> shift).clamp(0, 255) as u8
}

/// Returns the value of a sum of products. Half a step, to round, is part of the sum.
pub fn requantized(sum: i32, multiplier: i32) -> i8 {
    ((i64::from(sum) * i64::from(multiplier)) >> 32).clamp(-128, 127) as i8
}

/// Returns the logit of a sum of products.
pub fn logit(sum: i32, multiplier: i32) -> i32 {
    // Less than 2^30 in size, since a multiplier is below 2^31.
    ((i64::from(sum) * i64::from(multiplier)) >> 32) as i32
}

/// Returns the mean of `size * size` values with this sum, rounded to the nearest. For two by two
/// values it is `(sum + 2) >> 2`; halves are rounded up there, but not for every size.
pub fn square_mean(sum: i32, size: usize) -> i8 {
    let count = (size * size) as i64;
    let reciprocal = ((1 << 32) + count / 2) / count;
    ((i64::from(sum) * reciprocal + (1 << 31)) >> 32).clamp(-128, 127) as i8
}

/// Returns the reciprocal by which [`plane_mean`] multiplies for planes of `positions` values.
pub fn plane_reciprocal(positions: usize) -> i32 {
    let positions = positions as i64;
    // Fits: it is 2^30 for one position.
    (((1 << (24 + MEAN_BITS)) + positions / 2) / positions) as i32
}

/// Returns the mean of a plane of unsigned bytes with this sum, with [`MEAN_BITS`] fractional bits:
/// at most `255 << MEAN_BITS`, up to rounding of the reciprocal.
pub fn plane_mean(sum: u32, reciprocal: i32) -> i32 {
    ((i64::from(sum) * i64::from(reciprocal) + (1 << 23)) >> 24) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shifts_floor_and_results_saturate() {
        assert_eq!(table_index(&[(-1, 1)], 300, 0), 255);
        assert_eq!(table_index(&[(-1, 1)], 7, 1), 3);
        assert_eq!(table_index(&[(-128, 32767)], 0, 7), 0);
        assert_eq!(requantized(1 << 20, 1 << 19), 127);
        assert_eq!(requantized(-1, 2), -1);
        assert_eq!(requantized(-(1 << 30), 1 << 30), -128);
        assert_eq!(logit(i32::MAX, i32::MAX - 1), (1 << 30) - 2);
        assert_eq!(logit(-1, 2), -1);
    }

    proptest! {
        /// 16-bit arithmetic with a saturating addition, as processors have it, gives the same.
        #[test]
        fn indices_need_16_bits(
            values: [i8; 2],
            first in -16383i16..=16383,
            second in -16383i16..=16383,
            offset in -32767i16..=32767,
            shift in 0u8..=7,
        ) {
            let term = |value: i8, factor: i16| ((i32::from(value) * i32::from(factor)) >> 8) as i16;
            let terms = term(values[0], first) + term(values[1], second);
            let expected = (terms.saturating_add(offset) >> shift).clamp(0, 255);
            let index = table_index(&[(values[0], first), (values[1], second)], offset, shift);
            prop_assert_eq!(i16::from(index), expected);
        }

        #[test]
        fn means_of_squares_are_rounded(
            values in proptest::collection::vec(any::<i8>(), 1..=49),
        ) {
            let size = values.len().isqrt();
            let sum: i32 = values[..size * size].iter().map(|value| i32::from(*value)).sum();
            let mean = f64::from(sum) / (size * size) as f64;
            let rounded = f64::from(square_mean(sum, size));
            prop_assert!((rounded - mean).abs() <= 0.5, "{rounded} {mean}");
            if size.is_power_of_two() {
                prop_assert_eq!(rounded, (mean + 0.5).floor());
            }
        }

        #[test]
        fn means_of_planes_have_six_fractional_bits(positions in 1usize..5000, byte: u8) {
            let sum = u32::from(byte) * positions as u32;
            let mean = plane_mean(sum, plane_reciprocal(positions));
            prop_assert!((mean - i32::from(byte) * 64).abs() <= 1, "{mean}");
        }
    }

    #[test]
    fn four_values_are_averaged_by_a_shift() {
        for sum in -512..=508 {
            assert_eq!(i32::from(square_mean(sum, 2)), (sum + 2) >> 2);
        }
        assert_eq!((unsigned(-128), unsigned(127), signed(128)), (0, 255, 0));
    }
}
