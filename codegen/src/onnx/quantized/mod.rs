//! From an int8 network to an ONNX model whose tensors are quantized.
//!
//! Between its operators, which are those of real numbers, stand pairs of QuantizeLinear and
//! DequantizeLinear: the numbers between them are bytes. The model computes what the integer
//! reference does, up to rounding of numbers that lie between two bytes:
//!
//! - The result of a convolution is in units of its own bytes, a scale of 1 for all channels, so
//!   that concatenations are of bytes. What a byte of each channel means is part of the
//!   multiplication and addition that read it.
//! - All bytes but weights are unsigned: ONNX Runtime computes a convolution in integers if what it
//!   reads and makes has one type.
//! - An activation reads the middle of a bin of its table: its argument is quantized too.
//!
//! The value of a step `s` is the tensor of bytes `s/quantized`, its weights are `s.weight`. The
//! name of a step cannot contain a `/`, and names of constants that steps share have neither `/`
//! nor a dot.

mod activate;
mod average;
mod builder;
mod filters;
mod layers;
mod meaning;
mod shortcut;
mod unit;

pub(crate) use layers::layers;

use super::graph::batch_of;
use super::model::{OUTPUT, with_metadata};
use super::proto::{FLOAT, GraphProto, ModelProto, UINT8};
use anyhow::{Context, Result};
use builder::Builder;
use common::network::{INPUT, Network};
use common::quantized::{Quantization, QuantizedNetwork};

/// Returns the model. Its input is a batch of images in 8-bit pixels, its output their logits as
/// real numbers.
///
/// # Errors
/// Fails if `quantization` does not say what the integers of the network mean. The error names the
/// step.
pub(crate) fn model(
    name: &str,
    network: &Network,
    quantized: &QuantizedNetwork,
    quantization: &Quantization,
) -> Result<ModelProto> {
    let mut builder = Builder::new(quantized, quantization);
    for (index, step) in quantized.plan.steps.iter().enumerate() {
        builder.step(index).with_context(|| format!("step {}", step.name))?;
    }
    let shape = network.input.shape();
    let graph = GraphProto {
        node: builder.graph.nodes,
        name: name.to_string(),
        initializer: builder.graph.initializers,
        input: vec![batch_of(INPUT, UINT8, &[shape.channels, shape.height, shape.width])],
        output: vec![batch_of(OUTPUT, FLOAT, &[network.classes.len()])],
        sparse_initializer: vec![],
    };
    with_metadata(graph, network, &[])
}

impl Builder<'_> {
    /// Adds the operations of a step.
    fn step(&mut self, index: usize) -> Result<()> {
        use common::quantized::Operation;
        let plan = self.plan;
        let step = &plan.steps[index];
        let made = match &step.operation {
            Operation::Activate { pair, operands, .. } => self.activate(index, *pair, operands)?,
            Operation::Convolve { input, kernel, stride, pool, .. } => {
                self.convolve(index, *input, (*kernel, *stride), *pool)?
            }
            Operation::Pool { input, size } => {
                self.average(&step.name, &self.values[*input].clone(), *size)
            }
            Operation::Shortcut { input, stride } => self.shortcut(index, *input, *stride),
            Operation::Classify { input, pool, .. } => {
                return self.classify(index, *input, *pool);
            }
        };
        self.values.push(made);
        Ok(())
    }
}
