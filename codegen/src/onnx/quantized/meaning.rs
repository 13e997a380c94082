//! What a table computes, as the report on the quantization says.

use super::unit;
use anyhow::{Result, bail, ensure};
use common::network::activation::PiecewiseActivation;
use common::quantized::parameters::TABLE;
use common::quantized::{LayerReport, Meaning, Table};

/// Largest index of a table.
const LAST: f64 = (TABLE - 1) as f64;

/// Parts of a step that are added to arguments, so that no result lies in the middle between two
/// bytes: QuantizeLinear rounds such results to even bytes, the quantizer does not.
const NUDGES: [f64; 3] = [0.0, 1.0 / 1024.0, -1.0 / 1024.0];

/// The meaning of a table's indices and bytes.
pub(super) struct TableMeaning {
    /// Difference of the arguments of neighbouring indices.
    pub(super) step: f32,
    /// The index that stands for the argument 0 in the graph.
    pub(super) zero_index: u8,
    /// What is added to an index less `zero_index`, in units of arguments, for the middle of its
    /// bin; 0 if that is it already.
    pub(super) shift: f32,
    /// Difference of the results of neighbouring bytes.
    pub(super) scale: f32,
    /// The byte of the result 0.
    pub(super) zero_point: u8,
}

impl TableMeaning {
    /// Returns the meaning of a table of the function `pair`.
    ///
    /// # Errors
    /// Fails if the report is of another kind of step, or if a result is off by more than one byte:
    /// the report is not covered by a fingerprint.
    pub(super) fn new(
        layer: &LayerReport,
        table: &Table,
        pair: PiecewiseActivation,
    ) -> Result<TableMeaning> {
        let Meaning::Table { scale: result, zero_point, step, origin, .. } = layer.meaning else {
            bail!("its report is not that of a table: run `train quantize` again")
        };
        let exact = |index: usize| {
            let argument = (index as f64 + 0.5 - origin) * step;
            (pair.value(argument) / result + zero_point as f64).clamp(0.0, LAST)
        };
        let is_near = |index: usize| (exact(index) - f64::from(table.table[index])).abs() <= 1.0;
        ensure!(
            zero_point == u64::from(table.zero_point) && (0..TABLE).all(is_near),
            "its report is not that of its table: run `train quantize` again"
        );
        let zero_index = origin.floor().clamp(0.0, LAST);
        let middle = zero_index + 0.5 - origin;
        let (step, scale) = (unit::scale(step)?, unit::scale(result)?);
        let with = |nudge: f64| TableMeaning {
            step,
            zero_index: zero_index as u8,
            shift: ((middle + nudge) * f64::from(step)) as f32,
            scale,
            zero_point: table.zero_point,
        };
        let [exact, others @ ..] = NUDGES.map(with);
        let fewer = |best: TableMeaning, other: TableMeaning| {
            let is_better = other.differences(table, pair) < best.differences(table, pair);
            if is_better { other } else { best }
        };
        Ok(others.into_iter().fold(exact, fewer))
    }

    /// Returns for how many indices the operators do not compute the byte of the table.
    fn differences(&self, table: &Table, pair: PiecewiseActivation) -> usize {
        let bytes = (0..TABLE).map(|index| self.computed(pair, index));
        bytes.zip(table.table.iter()).filter(|(computed, byte)| computed != *byte).count()
    }

    /// Returns the byte that the operators make of an index, in f32.
    fn computed(&self, pair: PiecewiseActivation, index: usize) -> u8 {
        let argument = (index as f32 - f32::from(self.zero_index)) * self.step + self.shift;
        let result = pair.value(f64::from(argument)) as f32 / self.scale;
        (result.round_ties_even() + f32::from(self.zero_point)).clamp(0.0, 255.0) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::network::activation::Activation;

    const RELU: PiecewiseActivation =
        PiecewiseActivation { left: Activation::Relu, right: Activation::Relu };

    /// Returns a table whose bytes count from the index `first` on.
    fn table(first: u8) -> Table {
        let table = std::array::from_fn(|index| (index as u8).saturating_sub(first));
        Table {
            factors: vec![vec![1]],
            offsets: vec![0],
            shift: 0,
            zero_point: 0,
            table: Box::new(table),
        }
    }

    fn layer(meaning: Meaning) -> LayerReport {
        LayerReport { name: "a".to_string(), meaning, error: 0.0, own_error: 0.0 }
    }

    fn meaning(meaning: Meaning) -> Result<TableMeaning> {
        TableMeaning::new(&layer(meaning), &table(55), RELU)
    }

    fn of_table(scale: f64, zero_point: u64, step: f64, origin: f64) -> Result<TableMeaning> {
        meaning(Meaning::Table { scale, zero_point, step, origin, low: -1.0, high: 1.0 })
    }

    #[test]
    fn bins_are_counted_from_that_of_zero() {
        let middle = of_table(0.5, 0, 0.5, 55.5).unwrap();
        assert_eq!((middle.zero_index, middle.shift), (55, 0.0));
        // Results lie in the middle between two bytes, and are rounded up in the table.
        let (scale, step) = (0.5, 0.5);
        let meaning =
            Meaning::Table { scale, zero_point: 0, step, origin: 55.0, low: -1.0, high: 1.0 };
        let between = TableMeaning::new(&layer(meaning), &table(54), RELU).unwrap();
        assert_eq!((between.zero_index, between.shift), (55, 0.5 * (0.5 + 1.0 / 1024.0)));
    }

    /// What the operators of the graph compute is the table, also where results lie in the middle
    /// between two bytes.
    #[test]
    fn operators_compute_the_bytes_of_the_table() {
        for pair in PiecewiseActivation::all() {
            for (origin, step) in
                [(100.0, 0.0625), (100.5, 0.0371), (1.0, 0.125), (254.5, 0.015625)]
            {
                for of_step in [0.5, 1.0, 1.7] {
                    let result = of_step * step;
                    let exact = |index: usize| pair.value((index as f64 + 0.5 - origin) * step);
                    let byte = |x: f64| (x / result + 30.0).round().clamp(0.0, LAST) as u8;
                    let bytes: [u8; TABLE] = std::array::from_fn(|index| byte(exact(index)));
                    let table = Table { zero_point: 30, table: Box::new(bytes), ..table(0) };
                    let meaning = Meaning::Table {
                        scale: result,
                        zero_point: 30,
                        step,
                        origin,
                        low: 0.0,
                        high: 0.0,
                    };
                    let meaning = TableMeaning::new(&layer(meaning), &table, pair).unwrap();
                    // A result close to a middle may be moved over it.
                    let differences = meaning.differences(&table, pair);
                    assert!(differences <= 1, "{pair} {origin} {of_step}: {differences}");
                }
            }
        }
    }

    #[test]
    fn a_report_of_another_table_is_refused() {
        for (scale, zero_point, step, origin) in [
            (0.6, 0, 0.5, 55.5),
            (0.5, 1, 0.5, 55.5),
            (0.5, 0, 0.4, 55.5),
            (0.5, 0, 0.5, 58.5),
            (0.0, 0, 0.5, 55.5),
        ] {
            assert!(of_table(scale, zero_point, step, origin).is_err(), "{scale} {step} {origin}");
        }
        assert!(meaning(Meaning::Classifier { weight_scales: vec![1.0] }).is_err());
    }
}
