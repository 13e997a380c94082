//! The integer parameters of a table: a grid and the meaning of what is read give factors, offsets
//! and a shift.

use super::grid::Grid;
use super::real::Affine;
use common::quantized::Table;
use common::quantized::parameters::MAX_SHIFT;

/// Returns the table of a grid whose argument is, in each channel, the sum of the operands: for each
/// operand the affine functions of the values that it reads.
pub(super) fn table(grid: &Grid, operands: &[Vec<Affine>]) -> Table {
    let channels: Vec<Position> =
        (0..operands[0].len()).map(|channel| Position::new(grid, operands, channel)).collect();
    // Fractional bits of the index.
    let shift =
        (0..=MAX_SHIFT).rev().find(|shift| channels.iter().all(|channel| channel.fits(*shift)));
    // Without a shift that fits, what does not is cut off.
    let share = if shift.is_some() { 1.0 } else { operands.len() as f64 };
    let bound = (f64::from(i16::MAX) / share).floor();
    let shift = shift.unwrap_or(0);
    let rounded = |number: f64, bound: f64| number.round().clamp(-bound, bound) as i16;
    Table {
        factors: (0..operands.len())
            .map(|operand| {
                let factor = |channel: &Position| {
                    rounded(channel.factors[operand] * unit(shift) * 256.0, bound)
                };
                channels.iter().map(factor).collect()
            })
            .collect(),
        offsets: channels
            .iter()
            .map(|channel| rounded(channel.offset(shift), f64::from(i16::MAX)))
            .collect(),
        shift,
        zero_point: grid.zero_point,
        table: Box::new(grid.table),
    }
}

fn unit(shift: u8) -> f64 {
    f64::from(1u32 << shift)
}

/// The index of a channel as a linear function.
struct Position {
    /// Indices for each unit of a value, by operand.
    factors: Vec<f64>,
    /// The index of the value 0, with its fraction.
    constant: f64,
}

impl Position {
    fn new(grid: &Grid, operands: &[Vec<Affine>], channel: usize) -> Position {
        let constant: f64 = operands.iter().map(|operand| operand[channel].offset).sum();
        Position {
            factors: operands.iter().map(|operand| operand[channel].scale / grid.step).collect(),
            constant: constant / grid.step + grid.origin,
        }
    }

    /// Returns the offset for a shift. Each term is floored, which on average takes one half.
    fn offset(&self, shift: u8) -> f64 {
        self.constant * unit(shift) + 0.5 * self.factors.len() as f64
    }

    /// Tells whether the factors and the offset fit 16 bits, or the index is always cut off.
    fn fits(&self, shift: u8) -> bool {
        let limit = f64::from(i16::MAX);
        let size: f64 = self.factors.iter().map(|factor| factor.abs()).sum();
        let factors = size * unit(shift) * 256.0 + self.factors.len() as f64 <= limit;
        // An offset that is cut off has to leave the index where it is, whatever the value.
        let reach = 128.0 * size;
        let above = self.constant - reach > 256.0 && limit / unit(shift) - reach >= 255.0;
        let outside = above || self.constant + reach < -1.0;
        factors && (outside || self.offset(shift).abs() < limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::quantized::arithmetic::table_index;
    use proptest::prelude::*;

    fn grid() -> Grid {
        Grid {
            step: 0.05,
            origin: 100.5,
            scale: 0.1,
            zero_point: 3,
            table: std::array::from_fn(|index| index as u8),
        }
    }

    proptest! {
        /// Indices are at most one from where real arithmetic puts them, unless a factor is so
        /// large that it does not fit.
        #[test]
        fn indices_are_those_of_the_grid(
            scales in proptest::collection::vec((-0.05f64..0.05, -0.05f64..0.05), 1..5),
            offset in -30.0f64..30.0,
            values: [i8; 2],
            two: bool,
        ) {
            let functions = |of: fn(&(f64, f64)) -> f64| -> Vec<Affine> {
                scales.iter().map(|pair| Affine { scale: of(pair), offset }).collect()
            };
            let mut operands = vec![functions(|pair| pair.0)];
            if two {
                operands.push(functions(|pair| pair.1));
            }
            let table = table(&grid(), &operands);
            for channel in 0..scales.len() {
                let terms: Vec<(i8, i16)> =
                    table.factors.iter().zip(values).map(|(f, v)| (v, f[channel])).collect();
                let real: f64 =
                    operands.iter().zip(values).map(|(o, v)| o[channel].real(v)).sum();
                let exact = (real / 0.05 + 100.5).clamp(0.0, 255.99);
                let index = f64::from(table_index(&terms, table.offsets[channel], table.shift));
                prop_assert!((index + 0.5 - exact).abs() <= 0.6, "{index} {exact}");
            }
        }
    }

    #[test]
    fn factors_that_do_not_fit_are_cut_off_and_others_keep_their_bits() {
        let constant = Affine { scale: 0.0, offset: 1e9 };
        let steep = Affine { scale: 1e9, offset: 0.0 };
        let plain = Affine { scale: 0.04, offset: 0.0 };
        assert_eq!(table(&grid(), &[vec![plain, constant]]).shift, 7);
        let steep = table(&grid(), &[vec![plain, steep]]);
        assert_eq!((steep.shift, steep.factors[0][1]), (0, i16::MAX));
        assert_eq!(table_index(&[(1, i16::MAX)], steep.offsets[1], 0), 228);
    }
}
