//! The graph of an int8 network so far.

use super::unit::Unit;
use crate::onnx::graph::{GraphBuilder, int};
use crate::onnx::proto::UINT8;
use anyhow::{Context, Result};
use common::network::INPUT;
use common::quantized::{LayerReport, Parameters, Plan, Quantization, QuantizedNetwork};
use std::collections::BTreeSet;

/// The graph of an int8 network so far.
pub(super) struct Builder<'a> {
    pub(super) graph: GraphBuilder,
    pub(super) plan: &'a Plan,
    pub(super) parameters: &'a Parameters,
    quantization: &'a Quantization,
    /// The values of the plan: the image, and those of the steps so far.
    pub(super) values: Vec<Stored>,
    /// Tensors that any step may need first.
    shared: BTreeSet<String>,
}

/// A tensor of bytes.
#[derive(Clone)]
pub(super) struct Stored {
    /// Name of the tensor.
    pub(super) tensor: String,
    /// Meaning of its bytes.
    pub(super) unit: Unit,
}

impl<'a> Builder<'a> {
    /// Returns a graph that has the image only.
    pub(super) fn new(
        quantized: &'a QuantizedNetwork,
        quantization: &'a Quantization,
    ) -> Builder<'a> {
        let image = Stored { tensor: INPUT.to_string(), unit: Unit::reference() };
        Builder {
            graph: GraphBuilder::default(),
            plan: &quantized.plan,
            parameters: &quantized.parameters,
            quantization,
            values: vec![image],
            shared: BTreeSet::new(),
        }
    }

    /// Returns the report of a step.
    ///
    /// # Errors
    /// Fails if there is none.
    pub(super) fn layer(&self, name: &str) -> Result<&'a LayerReport> {
        let mut layers = self.quantization.layers.iter();
        layers.find(|layer| layer.name == name).context("it has no layer in the report")
    }

    /// Returns the factor from an integer logit to a real one.
    pub(super) fn logit_scale(&self) -> f64 {
        self.quantization.logit_scale
    }

    /// Adds the constants of a unit, and returns their names.
    pub(super) fn constants(&mut self, unit: &Unit) -> [String; 2] {
        let [scale, zero_point] =
            ["scale", "zero_point"].map(|what| format!("{}{what}", unit.prefix));
        self.graph.floats(&scale, &[], &[unit.scale]);
        self.graph.constant(&zero_point, UINT8, &[], vec![unit.zero_point]);
        [scale, zero_point]
    }

    /// Makes real numbers bytes.
    pub(super) fn quantize(&mut self, real: &str, tensor: &str, unit: &Unit) -> Stored {
        let [scale, zero_point] = self.constants(unit);
        self.graph.push("QuantizeLinear", tensor, &[real, &scale, &zero_point], vec![]);
        Stored { tensor: tensor.to_string(), unit: unit.clone() }
    }

    /// Returns the tensor of the real numbers that bytes mean.
    pub(super) fn dequantize(&mut self, value: &Stored) -> String {
        let real = format!("{}/real", value.tensor);
        self.dequantize_to(&real, value);
        real
    }

    /// Adds the real numbers that bytes mean as the tensor `real`, unless it is there.
    pub(super) fn dequantize_to(&mut self, real: &str, value: &Stored) {
        if self.is_new(real) {
            let [scale, zero_point] = self.constants(&value.unit);
            let inputs = [value.tensor.as_str(), &scale, &zero_point];
            self.graph.push("DequantizeLinear", real, &inputs, vec![]);
        }
    }

    /// Tells whether this is asked for the first time about a tensor that several steps read.
    pub(super) fn is_new(&mut self, tensor: &str) -> bool {
        self.shared.insert(tensor.to_string())
    }

    /// Returns one tensor of real numbers with the channels of several values. If their bytes mean
    /// the same, it is these that are concatenated.
    pub(super) fn concatenated(&mut self, name: &str, parts: &[usize]) -> String {
        let parts: Vec<Stored> = parts.iter().map(|value| self.values[*value].clone()).collect();
        let [first, others @ ..] = parts.as_slice() else { return String::new() };
        if others.is_empty() {
            return self.dequantize(first);
        }
        let axis = vec![int("axis", 1)];
        if others.iter().all(|other| other.unit == first.unit) {
            let tensors: Vec<&str> = parts.iter().map(|part| part.tensor.as_str()).collect();
            self.graph.push("Concat", name, &tensors, axis);
            return self.dequantize(&Stored { tensor: name.to_string(), ..first.clone() });
        }
        let real: Vec<String> = parts.iter().map(|part| self.dequantize(part)).collect();
        let real: Vec<&str> = real.iter().map(String::as_str).collect();
        self.graph.push("Concat", name, &real, axis);
        name.to_string()
    }
}
