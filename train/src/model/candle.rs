//! The nodes of a network computed by Candle's operations, on any device: what a GPU uses. Batches
//! are (images, channels, height, width).
//!
//! On the CPU the results equal those of the native kernels up to rounding (tested), so only the
//! device itself is left to test on a machine that has one.

use super::context::ForwardContext;
use super::engine::Mode;
use super::fusion::{IDENTITY, Operation};
use super::graph::Graph;
use super::parameters::Parameters;
use crate::candle_backend::{CandleBackend, average_pool, batch_norm, shortcut};
use crate::ops::dropout::Dropout;
use crate::ops::simd::Level;
use anyhow::{Result, bail};
use candle_core::{DType, Tensor};
use common::network::Op;
use common::network::activation::PiecewiseActivation;
use std::sync::{Arc, OnceLock};

/// Everything that the Candle backend needs of a model.
pub(super) struct CandleForward<'a> {
    pub(super) graph: &'a Graph,
    pub(super) parameters: &'a Parameters,
    pub(super) backend: &'a CandleBackend,
}

impl CandleForward<'_> {
    /// Computes one operation.
    ///
    /// # Errors
    /// Fails if tensors have the wrong shape, or if the device reports an error.
    pub(super) fn compute(
        &self,
        operation: &Operation,
        inputs: &[&Tensor],
        context: &mut ForwardContext,
    ) -> Result<Tensor> {
        match operation {
            Operation::Node(index) => self.node(*index, inputs, context),
            Operation::NormActivation { norm, pair } => self.norm(*norm, *pair, inputs[0], context),
            Operation::Condense(_) => bail!("only the native kernels compute condense layers"),
        }
    }

    fn node(
        &self,
        index: usize,
        inputs: &[&Tensor],
        context: &mut ForwardContext,
    ) -> Result<Tensor> {
        let (node, input) = (self.graph.node(index), inputs[0]);
        let tensor = |what: &str| self.parameters.tensor(&node.name, what, context.mode);
        Ok(match node.op {
            Op::Conv2d { stride, .. } => self.backend.conv2d(input, &tensor("weight"), stride)?,
            Op::BatchNorm { .. } => self.norm(index, IDENTITY, input, context)?,
            Op::Activation(pair) => {
                let ones = Tensor::ones(input.dim(1)?, DType::F32, &self.backend.device)?;
                batch_norm::affine_activation(pair, input, &ones, &ones.zeros_like()?)?
            }
            Op::Dropout { probability } => match context.mode {
                Mode::Training { seed, step } => {
                    // Not candle-nn's dropout: its masks come from Candle's generator.
                    let stream = self.graph.dropout_stream(index, step);
                    let dropout = Dropout::new(probability, seed, &stream, Level::detected());
                    (input * dropout.mask(input.dims4()?)?.to_device(&self.backend.device)?)?
                }
                Mode::Statistics | Mode::Evaluation => input.clone(),
            },
            Op::Concat {} => {
                self.concatenate_moments(index, inputs, context)?;
                Tensor::cat(inputs, 1)?
            }
            Op::Add {} => input.add(inputs[1])?,
            Op::Shortcut { out_channels, stride } => shortcut(input, out_channels, stride)?,
            Op::AveragePool { size } => average_pool(input, size)?,
            Op::GlobalAveragePool {} => input.mean_keepdim(2)?.mean_keepdim(3)?,
            Op::GlobalMaxPool {} => input.max_keepdim(2)?.max_keepdim(3)?,
            Op::Linear { .. } => self.backend.linear(input, tensor("weight"), &tensor("bias"))?,
        })
    }

    /// Computes the batch normalisation `index` and the activation after it.
    fn norm(
        &self,
        index: usize,
        pair: PiecewiseActivation,
        input: &Tensor,
        context: &mut ForwardContext,
    ) -> Result<Tensor> {
        let name = &self.graph.node(index).name;
        let source = self.graph.inputs[index][0];
        let moments = match context.mode {
            Mode::Evaluation => {
                let running = &self.parameters.running[name];
                batch_norm::moments_from_statistics(running, &self.backend.device)?
            }
            Mode::Training { .. } => moments(source, input, context)?,
            Mode::Statistics => {
                let moments = moments(source, input, context)?;
                let (images, channels, height, width) = input.dims4()?;
                let statistics = batch_norm::statistics(&moments, images * height * width)?;
                let shared = Arc::new(OnceLock::from(statistics));
                context.statistics.push((name.clone(), channels, shared));
                moments
            }
        };
        let tensor = |what: &str| self.parameters.tensor(name, what, context.mode);
        let (scale, shift) =
            batch_norm::scale_and_shift(&moments, &tensor("weight"), &tensor("bias"))?;
        Ok(batch_norm::affine_activation(pair, input, &scale, &shift)?)
    }

    /// Records the moments of the concatenation `index`: those of its inputs, side by side.
    fn concatenate_moments(
        &self,
        index: usize,
        inputs: &[&Tensor],
        context: &mut ForwardContext,
    ) -> Result<()> {
        match context.mode {
            Mode::Training { .. } | Mode::Statistics => {
                let sources = self.graph.inputs[index].iter().zip(inputs);
                let parts = sources
                    .map(|(source, input)| moments(*source, input, context))
                    .collect::<Result<Vec<_>>>()?;
                context.moments.insert(Some(index), Tensor::cat(&parts, 1)?);
            }
            Mode::Evaluation => {}
        }
        Ok(())
    }
}

/// Returns the moments of the value of node `source`, and computes them at the first call only.
fn moments(source: Option<usize>, value: &Tensor, context: &mut ForwardContext) -> Result<Tensor> {
    if let Some(moments) = context.moments.get(&source) {
        return Ok(moments.clone());
    }
    let moments = batch_norm::moments(value)?;
    context.moments.insert(source, moments.clone());
    Ok(moments)
}
