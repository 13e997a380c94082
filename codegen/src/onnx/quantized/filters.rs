//! Convolutions and the classifier.

use super::builder::{Builder, Stored};
use super::unit::{Unit, scale};
use crate::onnx::graph::{int, int_of, ints};
use crate::onnx::model::OUTPUT;
use crate::onnx::proto::{INT8, INT32};
use anyhow::{Result, ensure};
use common::quantized::arithmetic::MEAN_BITS;
use common::quantized::parameters::Sizes;
use common::quantized::plan::IMAGE;
use common::quantized::{Filters, GlobalPool};

/// The multiplier that stands for 1.
const ONE: f64 = (1u64 << 32) as f64;

/// Real numbers that a convolution or classifier reads.
struct Factors {
    tensor: String,
    /// Difference of the real numbers of neighbouring bytes.
    scale: f64,
    /// The byte of 0 in each channel.
    zeros: Vec<u8>,
}

/// Filters whose sums are of `byte - zero`.
#[derive(Debug, PartialEq)]
struct Shifted {
    weights: Vec<i8>,
    /// For each filter, where its sum begins, without the half by which the reference rounds.
    biases: Vec<f64>,
    /// For each filter, the result of a sum of 1.
    units: Vec<f64>,
}

impl Builder<'_> {
    /// Adds a convolution, after an average over squares of `pool` positions a side.
    ///
    /// # Errors
    /// Fails if a number is too large for its type.
    pub(super) fn convolve(
        &mut self,
        index: usize,
        input: usize,
        (kernel, stride): (usize, usize),
        pool: usize,
    ) -> Result<Stored> {
        let name = self.plan.steps[index].name.clone();
        let pooled = self.average(&name, &self.values[input].clone(), pool);
        let factors = self.factors(input, &pooled);
        let filters = shifted(self.parameters.filters(index), &factors.zeros, 1.0);
        let weights = self.weights(index, &filters, &factors)?;
        let bias = self.bias(&name, &filters)?;
        let square = |name: &str, side: usize| ints(name, vec![int_of(side); 2]);
        let pads = ints("pads", vec![int_of(kernel / 2); 4]);
        let sides = vec![square("kernel_shape", kernel), square("strides", stride), pads];
        let sums = format!("{name}/sums");
        self.graph.push("Conv", &sums, &[&factors.tensor, &weights, &bias], sides);
        Ok(self.quantize(&sums, &format!("{name}/quantized"), &Unit::reference()))
    }

    /// Adds global pooling and the classifier, whose results are the logits as real numbers.
    ///
    /// # Errors
    /// Fails if a number is too large for its type.
    pub(super) fn classify(&mut self, index: usize, input: usize, pool: GlobalPool) -> Result<()> {
        let name = self.plan.steps[index].name.clone();
        let factors = self.factors(input, &self.values[input].clone());
        let [pooled, flat, bias] = ["pooled", "flat", "bias"].map(|what| format!("{name}/{what}"));
        let operator = match pool {
            GlobalPool::Average => "GlobalAveragePool",
            GlobalPool::Max => "GlobalMaxPool",
        };
        self.graph.push(operator, &pooled, &[&factors.tensor], vec![]);
        self.graph.push("Flatten", &flat, &[&pooled], vec![int("axis", 1)]);
        // The reference sums means with fractional bits.
        let fractions = f64::from(1u32 << MEAN_BITS);
        let mut filters = shifted(self.parameters.filters(index), &factors.zeros, fractions);
        filters.units.iter_mut().for_each(|unit| *unit *= self.logit_scale());
        let weights = self.weights(index, &filters, &factors)?;
        let biases = filters.biases.iter().zip(&filters.units);
        let biases: Vec<f32> = biases.map(|(bias, unit)| (bias * unit) as f32).collect();
        ensure!(
            biases.iter().all(|bias| bias.is_finite()),
            "the meaning of its logits is too large for 32 bits"
        );
        self.graph.floats(&bias, &[biases.len()], &biases);
        self.graph.push("Gemm", OUTPUT, &[&flat, &weights, &bias], vec![int("transB", 1)]);
        Ok(())
    }

    /// Returns what a convolution or classifier reads: the bytes of `value`, which are those of the
    /// plan's value `input` or averages of them.
    fn factors(&mut self, input: usize, value: &Stored) -> Factors {
        let channels = 0..self.plan.values[input].shape.channels;
        let zeros: Vec<u8> =
            channels.map(|c| self.parameters.zero_point(self.plan, input, c)).collect();
        if input == IMAGE {
            return Factors { tensor: self.pixels(&value.tensor, &zeros), scale: 1.0, zeros };
        }
        Factors { tensor: self.dequantize(value), scale: f64::from(value.unit.scale), zeros }
    }

    /// Returns the tensor of pixels less the zero point of their channel, so that zeros around an
    /// image are right. A zero point for each channel is no part of an operator's quantization.
    fn pixels(&mut self, tensor: &str, zeros: &[u8]) -> String {
        let zero_point = if zeros.iter().all(|zero| *zero == zeros[0]) { zeros[0] } else { 0 };
        let unit = Unit::new("pixel_", 1.0, zero_point);
        let pixels = format!("{tensor}/pixels");
        self.dequantize_to(&pixels, &Stored { tensor: tensor.to_string(), unit });
        if zeros.iter().all(|zero| *zero == zero_point) {
            return pixels;
        }
        let (centred, name) = (format!("{tensor}/centred"), "pixel_zero_points");
        let zeros: Vec<f32> = zeros.iter().copied().map(f32::from).collect();
        self.graph.floats(name, &[zeros.len(), 1, 1], &zeros);
        if self.is_new(&centred) {
            self.graph.push("Sub", &centred, &[&pixels, name], vec![]);
        }
        centred
    }

    /// Adds the weights of a step and returns the tensor of the real numbers that they mean.
    fn weights(&mut self, index: usize, filters: &Shifted, factors: &Factors) -> Result<String> {
        let plan = self.plan;
        let name = &plan.steps[index].name;
        let count = filters.units.len();
        let dims = match plan.steps[index].sizes(plan) {
            Sizes::Filters { filter, .. } => [vec![count], filter].concat(),
            Sizes::Table { .. } | Sizes::None => vec![count],
        };
        let scales = filters.units.iter().map(|unit| scale(unit / factors.scale));
        let scales: Vec<f32> = scales.collect::<Result<_>>()?;
        let bytes = format!("{name}.weight");
        let [real, scale, zero_point] =
            ["weight", "weight/scale", "weight/zero_point"].map(|what| format!("{name}/{what}"));
        let weights = filters.weights.iter().map(|weight| *weight as u8).collect();
        self.graph.constant(&bytes, INT8, &dims, weights);
        self.graph.floats(&scale, &[count], &scales);
        self.graph.constant(&zero_point, INT8, &[count], vec![0; count]);
        let inputs = [bytes.as_str(), &scale, &zero_point];
        self.graph.push("DequantizeLinear", &real, &inputs, vec![int("axis", 0)]);
        Ok(real)
    }

    /// Adds the biases of a convolution and returns the tensor of the real numbers that they mean.
    fn bias(&mut self, name: &str, filters: &Shifted) -> Result<String> {
        let [real, scales] = ["bias", "bias/scale"].map(|what| format!("{name}/{what}"));
        let bytes = format!("{name}.bias");
        let largest = filters.biases.iter().fold(0.0, |largest: f64, bias| largest.max(bias.abs()));
        ensure!(largest < f64::from(i32::MAX), "its biases do not fit 32 bits");
        let biases = filters.biases.iter().flat_map(|bias| (bias.round() as i32).to_le_bytes());
        let units: Result<Vec<f32>> = filters.units.iter().map(|unit| scale(*unit)).collect();
        let count = filters.units.len();
        self.graph.constant(&bytes, INT32, &[count], biases.collect());
        self.graph.floats(&scales, &[count], &units?);
        self.graph.push("DequantizeLinear", &real, &[&bytes, &scales], vec![int("axis", 0)]);
        Ok(real)
    }
}

/// Returns filters of numbers that are less by these zero points and have `fractions` parts of 1
/// in the reference.
fn shifted(filters: &Filters, zeros: &[u8], fractions: f64) -> Shifted {
    let (mut biases, mut units) = (Vec::new(), Vec::new());
    let mut weights = filters.weights.clone();
    let size = weights.len() / filters.biases.len();
    let constants = filters.biases.iter().zip(&filters.multipliers);
    for (weights, (bias, multiplier)) in weights.chunks_mut(size).zip(constants) {
        if *multiplier == 0 {
            // The result is 0, for which any scale will do.
            weights.fill(0);
            biases.push(0.0);
            units.push(1.0);
            continue;
        }
        let of_one = f64::from(*multiplier) / ONE;
        let taps = weights.chunks(size / zeros.len()).zip(zeros);
        let of_zeros: i64 = taps
            .map(|(taps, zero)| taps.iter().map(|w| i64::from(*w)).sum::<i64>() * i64::from(*zero))
            .sum();
        biases.push((f64::from(*bias) - 0.5 / of_one) / fractions + of_zeros as f64);
        units.push(of_one * fractions);
    }
    Shifted { weights, biases, units }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_differences_are_those_of_bytes() {
        let filters = Filters {
            weights: vec![3, -2, 5, 7, 1, 1, 1, 1],
            biases: vec![100, 9],
            multipliers: vec![1 << 22, 0],
        };
        let shifted = shifted(&filters, &[10, 20], 1.0);
        // 100 - 512 + 10 * (3 - 2) + 20 * (5 + 7)
        assert_eq!(shifted.biases, [-162.0, 0.0]);
        assert_eq!(shifted.units, [1.0 / 1024.0, 1.0]);
        assert_eq!(shifted.weights, [3, -2, 5, 7, 0, 0, 0, 0]);
    }

    #[test]
    fn fractional_bits_of_means_are_a_part_of_the_unit() {
        let filters = Filters { weights: vec![2], biases: vec![640], multipliers: vec![1 << 24] };
        let shifted = shifted(&filters, &[3], 64.0);
        assert_eq!((shifted.biases[0], shifted.units[0]), ((640.0 - 128.0) / 64.0 + 6.0, 0.25));
    }
}
