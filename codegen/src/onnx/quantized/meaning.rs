//! What a table computes, as the report on the quantization says.

use super::unit::scale;
use anyhow::{Result, bail, ensure};
use common::network::activation::PiecewiseActivation;
use common::quantized::parameters::TABLE;
use common::quantized::{LayerReport, Meaning, Table};

/// Largest index of a table.
const LAST: f64 = (TABLE - 1) as f64;

/// The meaning of a table's indices and bytes.
pub(super) struct TableMeaning {
    /// Difference of the arguments of neighbouring indices.
    pub(super) step: f32,
    /// The index that stands for the argument 0 in the graph.
    pub(super) zero_index: u8,
    /// What the middle of the bin `zero_index` is as an argument, in steps.
    pub(super) middle: f64,
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
        Ok(TableMeaning {
            step: scale(step)?,
            zero_index: zero_index as u8,
            middle: zero_index + 0.5 - origin,
            scale: scale(result)?,
            zero_point: table.zero_point,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::network::activation::Activation;

    const RELU: PiecewiseActivation =
        PiecewiseActivation { left: Activation::Relu, right: Activation::Relu };

    fn table() -> Table {
        let table = std::array::from_fn(|index| (index as u8).saturating_sub(55));
        Table {
            factors: vec![vec![1]],
            offsets: vec![0],
            shift: 0,
            zero_point: 0,
            table: Box::new(table),
        }
    }

    fn meaning(meaning: Meaning) -> Result<TableMeaning> {
        let layer = LayerReport { name: "a".to_string(), meaning, error: 0.0, own_error: 0.0 };
        TableMeaning::new(&layer, &table(), RELU)
    }

    fn of_table(scale: f64, zero_point: u64, step: f64, origin: f64) -> Result<TableMeaning> {
        meaning(Meaning::Table { scale, zero_point, step, origin, low: -1.0, high: 1.0 })
    }

    #[test]
    fn bins_are_counted_from_that_of_zero() {
        let middle = of_table(0.5, 0, 0.5, 55.5).unwrap();
        assert_eq!((middle.zero_index, middle.middle), (55, 0.0));
        let between = of_table(0.5, 0, 0.5, 55.0).unwrap();
        assert_eq!((between.zero_index, between.middle), (55, 0.5));
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
