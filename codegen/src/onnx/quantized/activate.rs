//! Batch normalisation and activation.

use super::builder::{Builder, Stored};
use super::meaning::TableMeaning;
use super::unit::Unit;
use crate::onnx::graph::float;
use anyhow::{Result, ensure};
use common::network::activation::PiecewiseActivation;
use common::quantized::{Operand, Table};

/// What the flooring of a term takes from it on average: a term has 8 fractional bits.
const FLOORED: f64 = 255.0 / 512.0;
/// Half of the smallest difference between terms, by which no number lies between two indices.
const HALF_A_FRACTION: f64 = 1.0 / 512.0;

/// A multiplication and an addition for each channel.
#[derive(Debug, PartialEq)]
struct Affine {
    gains: Vec<f32>,
    offsets: Vec<f32>,
}

impl Builder<'_> {
    /// Adds a table as operations: for each operand a multiplication and an addition that give its
    /// part of the argument, the quantization of the argument, which finds the index, and the
    /// function of it.
    ///
    /// # Errors
    /// Fails if the report does not say what the table means, or if a number is too large for f32.
    pub(super) fn activate(
        &mut self,
        index: usize,
        pair: PiecewiseActivation,
        operands: &[Operand],
    ) -> Result<Stored> {
        let name = self.plan.steps[index].name.clone();
        let table = self.parameters.table(index);
        let meaning = TableMeaning::new(self.layer(&name)?, table, pair)?;
        let units: Vec<Vec<Unit>> = operands.iter().map(|operand| self.units(operand)).collect();
        let mut terms = Vec::new();
        for (nth, affine) in affine(table, &meaning, &units)?.into_iter().enumerate() {
            terms.push(self.term(&format!("{name}/term{nth}"), &operands[nth], &affine));
        }
        let sum = match terms.as_slice() {
            [first, second] => {
                let sum = format!("{name}/sum");
                self.graph.push("Add", &sum, &[first, second], vec![]);
                sum
            }
            _ => terms.concat(),
        };
        let unit = Unit::new(&format!("{name}/index/"), meaning.step, meaning.zero_index);
        let index = self.quantize(&sum, &format!("{name}/index"), &unit);
        let argument = self.middle(&name, &index, &meaning);
        let function = format!("{name}/function");
        self.graph.activation(&name, &function, &argument, pair);
        let unit = Unit::new(&format!("{name}/"), meaning.scale, meaning.zero_point);
        Ok(self.quantize(&function, &format!("{name}/quantized"), &unit))
    }

    /// Returns the units of an operand's channels.
    fn units(&self, operand: &Operand) -> Vec<Unit> {
        let channels = self.plan.channels(operand);
        channels.map(|(value, _)| self.values[value].unit.clone()).collect()
    }

    /// Adds the multiplication and addition of an operand, as a batch normalisation of mean 0 and
    /// variance 1, and returns the name of its result.
    fn term(&mut self, name: &str, operand: &Operand, affine: &Affine) -> String {
        let x = self.concatenated(&format!("{name}/concatenated"), &operand.parts);
        let channels = affine.gains.len();
        let [gain, offset] = ["gain", "offset"].map(|what| format!("{name}/{what}"));
        let [mean, variance] = ["zeros", "ones"].map(|what| format!("{what}_{channels}"));
        for (name, values) in [
            (&gain, &affine.gains),
            (&offset, &affine.offsets),
            (&mean, &vec![0.0; channels]),
            (&variance, &vec![1.0; channels]),
        ] {
            self.graph.floats(name, &[channels], values);
        }
        let inputs = [x.as_str(), &gain, &offset, &mean, &variance];
        self.graph.push("BatchNormalization", name, &inputs, vec![float("epsilon", 0.0)]);
        name.to_string()
    }

    /// Returns the tensor of the middles of the bins with these indices.
    fn middle(&mut self, name: &str, index: &Stored, meaning: &TableMeaning) -> String {
        let real = self.dequantize(index);
        if meaning.shift == 0.0 {
            return real;
        }
        let [shift, argument] = ["shift", "argument"].map(|what| format!("{name}/{what}"));
        self.graph.floats(&shift, &[], &[meaning.shift]);
        self.graph.push("Add", &argument, &[&real, &shift], vec![]);
        argument
    }
}

/// Returns, for each operand with these units, the function of its real numbers. Their sum, in
/// steps and rounded to the nearest, is the difference of an index to `zero_index`.
///
/// # Errors
/// Fails if a number is too large for f32.
fn affine(table: &Table, meaning: &TableMeaning, units: &[Vec<Unit>]) -> Result<Vec<Affine>> {
    let step = f64::from(meaning.step);
    let of_shift = f64::from(1u32 << table.shift);
    // The reference floors each term and the index; rounding of an index less one half is the same.
    let floored = FLOORED * (units.len() - 1) as f64 - HALF_A_FRACTION;
    let constant = |offset: i16| {
        (f64::from(offset) - floored) / of_shift - 0.5 - f64::from(meaning.zero_index)
    };
    let mut offsets: Vec<f64> =
        table.offsets.iter().map(|offset| constant(*offset) * step).collect();
    let mut gains = Vec::new();
    for (factors, units) in table.factors.iter().zip(units) {
        let mut of_operand = Vec::new();
        for ((factor, unit), offset) in factors.iter().zip(units).zip(&mut offsets) {
            let of_byte = f64::from(*factor) / 256.0 / of_shift * step;
            *offset += of_byte * unit.signed_zero();
            of_operand.push((of_byte / f64::from(unit.scale)) as f32);
        }
        gains.push(of_operand);
    }
    let mut offsets: Vec<f32> = offsets.into_iter().map(|offset| offset as f32).collect();
    let mut functions = Vec::new();
    for gains in gains {
        let finite = gains.iter().chain(&offsets).all(|number| number.is_finite());
        ensure!(finite, "its factors and offsets are too large for 32 bits");
        let none = vec![0.0; offsets.len()];
        functions.push(Affine { gains, offsets: std::mem::replace(&mut offsets, none) });
    }
    Ok(functions)
}
