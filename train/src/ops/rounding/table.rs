//! The roundings of an activation that an int8 network takes from a table: the argument becomes the
//! middle of its bin, and the result a multiple of the step of its bytes.

#![allow(unsafe_code)] // Only the calls that `multiversion!` makes, after detecting the features.

use super::bins::Bins;
use crate::ops::activation::{self, values_of};
use crate::ops::simd::multiversion;
use common::network::activation::{Activation, PiecewiseActivation, SELU_SCALE};
use common::quantized::parameters::TABLE;

/// Adding and subtracting 1.5 * 2^23 rounds to the nearest whole number.
const ROUND: f32 = 12_582_912.0;
/// Added to a position, so that the argument 0 of a function that jumps there, which is between two
/// bins, is in the upper one.
const UPWARDS: f32 = 1.0 / 16384.0;
/// Elements that are computed at a time, in several loops; they fit the first cache.
const BLOCK: usize = 256;
/// The largest index, and the largest byte.
const LAST: f32 = (TABLE - 1) as f32;
const BINS: f32 = TABLE as f32;

/// An activation with its roundings.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    pair: PiecewiseActivation,
    /// Width of a bin, and 1 divided by it.
    step: f32,
    per_step: f32,
    /// Bins from the middle of the first one to 0.
    zero: f32,
    /// Difference of neighbouring results, and 1 divided by it.
    scale: f32,
    per_scale: f32,
    /// The smallest and the largest result, in steps of `scale`.
    least: f32,
    most: f32,
    /// The slopes below and above 0 of a function of two lines whose results at the middles of bins
    /// are multiples of `scale` as they are.
    lines: Option<[f32; 2]>,
}

impl Table {
    /// Returns the table for arguments from `low` to `high`; `None` if there are no others than 0.
    pub fn new(pair: PiecewiseActivation, low: f32, high: f32) -> Option<Table> {
        let low = f64::from(low.min(0.0)).max(-end_below(pair.left));
        let high = f64::from(high.max(0.0)).min(end_above(pair.right));
        // A function that jumps at 0 wants no bin on both sides of it; one that does not wants its
        // value at 0 exactly.
        let phase = if pair.jumps_at_zero() { 0.0 } else { 0.5 };
        // A function that jumps has a bin below 0 in any case.
        let below = if phase == 0.0 { -high / f64::from(LAST - 1.0) } else { 0.0 };
        let bins = Bins::new(low.min(below), high, phase)?;
        let last = f64::from(LAST);
        let results = (0..TABLE)
            .map(|index| pair.value((index as f64 + 0.5 - bins.origin) * bins.step))
            .fold([0.0f64; 2], |[least, most], y| [least.min(y), most.max(y)]);
        let natural = (results[1] - results[0]) / last;
        // With the step of the arguments, the results of a linear side are exact. Where the
        // function jumps, they would all be in the middle between two bytes.
        let linear = slope(pair.right).filter(|_| phase != 0.0);
        let scale = linear.map_or(natural, |slope| natural.max(slope * bins.step));
        if scale <= 0.0 {
            return None;
        }
        let least = -(-results[0] / scale - 1e-6).ceil().clamp(0.0, last) as f32;
        Some(Table {
            pair,
            step: bins.step as f32,
            per_step: (1.0 / bins.step) as f32,
            zero: (bins.origin - 0.5) as f32,
            scale: scale as f32,
            per_scale: (1.0 / scale) as f32,
            least,
            most: least + LAST,
            lines: lines(pair),
        })
    }

    /// Rounds averages of results to results, halves upwards, as an int8 network does.
    pub(in crate::ops) fn round_means(&self, means: &mut [f32]) {
        // Averages lie on multiples of 1 divided by the number of their terms, so this moves halves
        // only.
        const HALVES: f32 = 1.0 / 1024.0;
        for mean in means {
            *mean = ((*mean * self.per_scale + HALVES + ROUND) - ROUND) * self.scale;
        }
    }

    /// Returns factor and offset with which `factor * x + offset` is the position of the argument
    /// `scale * x + shift`, in bins from the middle of the first one.
    #[inline(always)]
    fn position(self, scale: f32, shift: f32) -> (f32, f32) {
        (scale * self.per_step, shift * self.per_step + self.zero + UPWARDS)
    }

    /// Writes the middle of the bin of each argument `scale * x + shift`.
    #[inline(always)]
    fn round_arguments(self, scale: f32, shift: f32, input: &[f32], arguments: &mut [f32]) {
        let (factor, offset) = self.position(scale, shift);
        for (p, x) in arguments.iter_mut().zip(input) {
            let position = bounded(x * factor + offset, 0.0, LAST);
            *p = ((position + ROUND) - ROUND - self.zero) * self.step;
        }
    }
}

multiversion! {
    /// Writes the rounded activation of `scale * x + shift` for every `x`.
    pub fn table_values(
        table: Table,
        scale: f32,
        shift: f32,
        input: &[f32],
        output: &mut [f32],
    ) => values_generic;
}

multiversion! {
    /// Writes the derivative for every `x`: that of the activation at the rounded argument, and 0
    /// for an argument outside the bins.
    pub fn table_derivatives(
        table: Table,
        scale: f32,
        shift: f32,
        input: &[f32],
        output: &mut [f32],
    ) => derivatives_of;
}

// Roundings and activation are loops of their own: in a common one, compilers would treat arguments
// at an end of the bins as a case of its own, and not vectorise.

#[inline(always)]
fn values_generic(table: Table, scale: f32, shift: f32, input: &[f32], output: &mut [f32]) {
    if let Some(slopes) = table.lines {
        table.round_arguments(scale, shift, input, output);
        output.iter_mut().for_each(|p| *p *= if *p < 0.0 { slopes[0] } else { slopes[1] });
        return;
    }
    let mut arguments = [0.0; BLOCK];
    for (x, y) in input.chunks(BLOCK).zip(output.chunks_mut(BLOCK)) {
        let arguments = &mut arguments[..x.len()];
        table.round_arguments(scale, shift, x, arguments);
        values_of(table.pair, 1.0, 0.0, arguments, y);
        for y in y {
            let byte = bounded(*y * table.per_scale, table.least, table.most);
            *y = ((byte + ROUND) - ROUND) * table.scale;
        }
    }
}

/// Computes [`table_derivatives`] inside other kernels.
#[inline(always)]
pub(in crate::ops) fn derivatives_of(
    table: Table,
    scale: f32,
    shift: f32,
    input: &[f32],
    output: &mut [f32],
) {
    let (factor, offset) = table.position(scale, shift);
    let mut arguments = [0.0; BLOCK];
    for (x, y) in input.chunks(BLOCK).zip(output.chunks_mut(BLOCK)) {
        let arguments = &mut arguments[..x.len()];
        table.round_arguments(scale, shift, x, arguments);
        activation::derivatives_of(table.pair, 1.0, 0.0, arguments, y);
        for (y, x) in y.iter_mut().zip(x) {
            let from_middle = x * factor + offset - LAST / 2.0;
            *y = if from_middle.abs() <= BINS / 2.0 { *y } else { 0.0 };
        }
    }
}

/// Not `clamp`, whose check of the bounds keeps compilers from vectorising. NaN stays NaN.
#[inline(always)]
fn bounded(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// Returns how far below 0 the function changes by more than about half a byte.
fn end_below(left: Activation) -> f64 {
    match left {
        Activation::Relu => 0.0,
        Activation::Tanh => 3.0,
        Activation::Elu | Activation::Selu => 4.0,
        Activation::Sigmoid => 5.0,
        Activation::Swish => 6.0,
        Activation::Linear => f64::INFINITY,
    }
}

/// Returns how far above 0 the function changes by more than about half a byte.
fn end_above(right: Activation) -> f64 {
    match right {
        Activation::Tanh => 3.0,
        Activation::Sigmoid => 5.0,
        Activation::Relu
        | Activation::Elu
        | Activation::Selu
        | Activation::Swish
        | Activation::Linear => f64::INFINITY,
    }
}

/// Returns the slopes of a function of two lines, of which the left one is flat or as steep as the
/// right one.
fn lines(pair: PiecewiseActivation) -> Option<[f32; 2]> {
    let right = slope(pair.right)? as f32;
    match pair.left {
        Activation::Relu => Some([0.0, right]),
        Activation::Linear if right == 1.0 => Some([1.0, 1.0]),
        Activation::Linear
        | Activation::Elu
        | Activation::Selu
        | Activation::Swish
        | Activation::Sigmoid
        | Activation::Tanh => None,
    }
}

/// Returns the slope of an activation that is linear above 0.
fn slope(right: Activation) -> Option<f64> {
    match right {
        Activation::Relu | Activation::Elu | Activation::Linear => Some(1.0),
        Activation::Selu => Some(SELU_SCALE),
        Activation::Swish | Activation::Sigmoid | Activation::Tanh => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::simd::Level;

    /// One of the 256 entries of an int8 network's table.
    #[derive(Clone, Copy)]
    struct Entry {
        /// The middle of the bin.
        argument: f64,
        value: f64,
        /// Whether the result is so close to the middle of two bytes that floats may round it
        /// either way.
        undecided: bool,
    }

    fn entries(table: &Table) -> Vec<Entry> {
        let (step, scale) = (f64::from(table.step), f64::from(table.scale));
        let zero_point = -f64::from(table.least);
        let entry = |index: usize| {
            let argument = (index as f64 - f64::from(table.zero)) * step;
            let exact = table.pair.value(argument) / scale + zero_point;
            let value = scale * (exact.round().clamp(0.0, 255.0) - zero_point);
            let undecided = ((exact - exact.floor()) - 0.5).abs() < 1e-3;
            Entry { argument, value, undecided }
        };
        (0..TABLE).map(entry).collect()
    }

    /// Returns the tables of all pairs for some ranges.
    fn tables() -> Vec<Table> {
        let ranges = [(-3.0, 4.5), (-0.5, 20.0), (-9.0, 0.0), (0.25, 2.0)];
        let of =
            |pair| ranges.into_iter().filter_map(move |(low, high)| Table::new(pair, low, high));
        PiecewiseActivation::all().flat_map(of).collect()
    }

    /// Calls `check` for many arguments of all tables at all levels: with the position in bins, the
    /// value and the derivative.
    fn for_all(check: impl Fn(&Table, f64, f64, f64)) {
        let xs: Vec<f32> =
            (-2000..2000).map(|i| i as f32 * 0.006_003).chain([-1e30, 0.0, -0.0, 1e30]).collect();
        let (mut values, mut derivatives) = (vec![0.0; xs.len()], vec![0.0; xs.len()]);
        for level in Level::available() {
            for table in tables() {
                // The arguments are x / 2 + 1.
                table_values(level, table, 0.5, 1.0, &xs, &mut values);
                table_derivatives(level, table, 0.5, 1.0, &xs, &mut derivatives);
                for ((x, y), d) in xs.iter().zip(&values).zip(&derivatives) {
                    let argument = f64::from(*x) / 2.0 + 1.0;
                    let position = argument / f64::from(table.step) + f64::from(table.zero) + 0.5;
                    // Between two bins, rounding of floats decides.
                    if (position - position.round()).abs() > 1e-3 {
                        check(&table, position, f64::from(*y), f64::from(*d));
                    }
                }
            }
        }
    }

    #[test]
    fn values_and_derivatives_are_those_of_256_entries() {
        let known: Vec<(Table, Vec<Entry>)> =
            tables().into_iter().map(|table| (table, entries(&table))).collect();
        for_all(|table, position, y, d| {
            let same = |other: &Table| {
                (other.pair, other.step, other.zero) == (table.pair, table.step, table.zero)
            };
            let (_, entries) = known.iter().find(|(other, _)| same(other)).unwrap();
            let Entry { argument, value, undecided } =
                entries[position.floor().clamp(0.0, 255.0) as usize];
            assert!(
                undecided || (y - value).abs() <= 2e-6 * value.abs().max(1.0),
                "{table:?} at {position}: {y} is not {value}"
            );
            let inside = (0.0..256.0).contains(&position);
            let derivative = if inside { table.pair.derivative(argument) } else { 0.0 };
            assert!(
                (d - derivative).abs() <= 1e-5,
                "{table:?} at {position}: {d} is not {derivative}"
            );
        });
    }

    #[test]
    fn zero_is_exact_and_bytes_suffice() {
        for table in tables() {
            let mut y = [1.0];
            table_values(Level::Portable, table, 1.0, 0.0, &[0.0], &mut y);
            let exact = table.pair.value(0.0);
            if table.pair.jumps_at_zero() {
                // From the right, half a bin away.
                let near = table.pair.value(f64::from(table.step) / 2.0);
                assert!((f64::from(y[0]) - near).abs() <= f64::from(table.scale), "{table:?}");
            } else if exact == 0.0 {
                assert_eq!(y[0], 0.0, "{table:?}");
            }
            let bytes =
                entries(&table).into_iter().map(|entry| entry.value / f64::from(table.scale));
            let (least, most) =
                bytes.fold((0.0f64, 0.0f64), |(least, most), b| (least.min(b), most.max(b)));
            assert!(most - least <= 255.5, "{table:?}: {least} to {most}");
        }
        let relu = PiecewiseActivation { left: Activation::Relu, right: Activation::Relu };
        assert!(Table::new(relu, -3.0, 0.0).is_none() && Table::new(relu, 0.0, 0.0).is_none());
    }

    /// Golden: steps of 0.1 from 0 to 25.5.
    #[test]
    fn a_relu_is_rounded_to_its_bins() {
        let relu = PiecewiseActivation { left: Activation::Relu, right: Activation::Relu };
        let table = Table::new(relu, -4.0, 25.5).unwrap();
        let x = [-2.0, -0.04, 0.04, 0.06, 1.23, 25.47, 25.6, 99.0, f32::NAN];
        let (mut y, mut d) = ([0.0; 9], [0.0; 9]);
        table_values(Level::detected(), table, 1.0, 0.0, &x, &mut y);
        table_derivatives(Level::detected(), table, 1.0, 0.0, &x, &mut d);
        let want = [0.0, 0.0, 0.0, 0.1, 1.2, 25.5, 25.5, 25.5];
        assert!(y.iter().zip(want).all(|(y, want)| (y - want).abs() < 1e-5), "{y:?}");
        assert_eq!(d[..8], [0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
        assert!(y[8].is_nan());
    }

    #[test]
    fn averages_are_rounded_halves_upwards() {
        let relu = PiecewiseActivation { left: Activation::Relu, right: Activation::Relu };
        let table = Table::new(relu, 0.0, 255.0).unwrap();
        let mut means = [0.25, 0.5, 0.75, 1.5, 2.5, 254.5, 1.0 / 3.0];
        table.round_means(&mut means);
        assert_eq!(means, [0.0, 1.0, 1.0, 2.0, 3.0, 255.0, 0.0]);
    }
}
