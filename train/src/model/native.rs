//! The nodes of a network computed by this crate's kernels. Batches are in blocks of 16 images.

use super::context::ForwardContext;
use super::engine::Mode;
use super::fusion::{FusedLayer, IDENTITY, Operation};
use super::graph::Graph;
use super::parameters::Parameters;
use super::rounding::Roundings;
use crate::ops::activation::Piecewise;
use crate::ops::blocks::{from_rows, to_rows};
use crate::ops::condense::{NormStatistics, Pass};
use crate::ops::conv::Conv2d;
use crate::ops::dropout::Dropout;
use crate::ops::norm::NormActivation;
use crate::ops::pool::average_pool;
use crate::ops::rounding::argument::RoundedPiecewise;
use crate::ops::rounding::results::Results;
use crate::ops::scratch::BufferPool;
use crate::ops::shortcut::shortcut;
use crate::ops::simd::Level;
use crate::ops::statistics::SharedStatistics;
use anyhow::Result;
use candle_core::Tensor;
use candle_nn::{Linear, Module};
use common::network::Op;
use common::network::activation::PiecewiseActivation;
use std::sync::Arc;

/// Everything that the kernels need of a model.
pub(super) struct NativeForward<'a> {
    pub(super) graph: &'a Graph,
    pub(super) parameters: &'a Parameters,
    pub(super) level: Level,
    pub(super) pool: &'a Arc<BufferPool>,
    /// What is rounded in this pass.
    pub(super) roundings: Option<&'a Roundings>,
}

impl NativeForward<'_> {
    /// Computes one operation.
    ///
    /// # Errors
    /// Fails if tensors have the wrong shape or are not f32 on the CPU.
    pub(super) fn compute(
        &self,
        operation: &Operation,
        inputs: &[&Tensor],
        context: &mut ForwardContext,
    ) -> Result<Tensor> {
        let value = match operation {
            Operation::Node(index) => self.node(*index, inputs, context)?,
            Operation::NormActivation { norm, pair } => {
                self.norm(*norm, operation.last(), *pair, inputs[0], context)?
            }
            Operation::Condense(fused) => self.condense(fused, inputs[0], context)?,
        };
        let is_result = |roundings: &Roundings| roundings.results.contains(&operation.last());
        if self.roundings.is_some_and(is_result) {
            return Ok(Results::new(context.images, self.level).apply(&value)?);
        }
        Ok(value)
    }

    fn node(
        &self,
        index: usize,
        inputs: &[&Tensor],
        context: &mut ForwardContext,
    ) -> Result<Tensor> {
        let (node, input, level) = (self.graph.node(index), inputs[0], self.level);
        let images = context.images;
        let value = match node.op {
            Op::Conv2d { stride, .. } => {
                Conv2d { images, stride, level }.apply(input, &self.weight(index, context.mode)?)?
            }
            Op::BatchNorm { .. } => self.norm(index, index, IDENTITY, input, context)?,
            Op::Activation(pair) if self.has_table(index) => {
                RoundedPiecewise::new(images, pair, level).apply(input)?
            }
            Op::Activation(pair) => Piecewise { pair, level }.apply(input)?,
            Op::Dropout { probability } => match context.mode {
                Mode::Training { seed, step } => {
                    self.dropout(index, probability, seed, step).apply(input)?
                }
                Mode::Statistics | Mode::Evaluation => input.clone(),
            },
            Op::Concat {} => Tensor::cat(inputs, 2)?,
            Op::Add {} => input.add(inputs[1])?,
            Op::Shortcut { out_channels, stride } => shortcut(input, out_channels, stride)?,
            Op::AveragePool { size } => average_pool(input, size)?,
            Op::GlobalAveragePool {} => input.mean_keepdim(1)?.mean_keepdim(3)?,
            Op::GlobalMaxPool {} => input.max_keepdim(1)?.max_keepdim(3)?,
            Op::Linear { .. } => {
                let bias = self.parameters.tensor(&node.name, "bias", context.mode);
                let linear = Linear::new(self.weight(index, context.mode)?, Some(bias));
                from_rows(&linear.forward(&to_rows(input, images)?)?)?
            }
        };
        match node.op {
            // These are read by a convolution or classifier without an activation in between.
            Op::Concat {} | Op::Add {} if self.has_table(index) => {
                Ok(RoundedPiecewise::new(images, IDENTITY, level).apply(&value)?)
            }
            _ => Ok(value),
        }
    }

    /// Returns the weight of a convolution or classifier, rounded if weights are.
    fn weight(&self, index: usize, mode: Mode) -> Result<Tensor> {
        let weight = self.parameters.tensor(&self.graph.node(index).name, "weight", mode);
        match self.roundings.and_then(|roundings| roundings.of_weights(index)) {
            Some(rounding) => Ok(rounding.clone().apply(&weight)?),
            None => Ok(weight),
        }
    }

    /// Tells whether the value of a node comes from a table and is rounded.
    fn has_table(&self, index: usize) -> bool {
        self.roundings.is_some_and(|roundings| roundings.tables.contains(&index))
    }

    /// Computes the batch normalisation `index` and the activation after it, whose value is that of
    /// node `last`.
    fn norm(
        &self,
        index: usize,
        last: usize,
        pair: PiecewiseActivation,
        input: &Tensor,
        context: &mut ForwardContext,
    ) -> Result<Tensor> {
        let name = &self.graph.node(index).name;
        let op = NormActivation { images: context.images, pair, level: self.level };
        let tensor = |what: &str| self.parameters.tensor(name, what, context.mode);
        let (gamma, beta) = (tensor("weight"), tensor("bias"));
        match context.mode {
            Mode::Evaluation => {
                Ok(op.evaluate(input, &self.parameters.running[name], &gamma, &beta)?)
            }
            Mode::Training { .. } | Mode::Statistics => {
                let (output, of_batch) = if self.has_table(last) {
                    op.train_rounded(input, &gamma, &beta)?
                } else {
                    op.train(input, &gamma, &beta)?
                };
                context.statistics.push((name.clone(), gamma.elem_count(), of_batch));
                Ok(output)
            }
        }
    }

    fn condense(
        &self,
        fused: &FusedLayer,
        input: &Tensor,
        context: &mut ForwardContext,
    ) -> Result<Tensor> {
        let parameters = self.condense_parameters(fused, context.mode)?;
        let statistics = self.condense_statistics(fused, context);
        let mut pass = Pass::new(
            fused.layer.clone(),
            context.images,
            self.level,
            self.pool.clone(),
            statistics,
        );
        if self.roundings.is_some() {
            pass = pass.rounded();
        }
        if let Mode::Training { seed, step } = context.mode {
            let dropout = |(index, probability): &(usize, f64)| {
                self.dropout(*index, *probability, seed, step)
            };
            pass = pass.with_dropouts(fused.dropouts.iter().map(dropout).collect());
        }
        Ok(pass.apply(input, &parameters)?)
    }

    /// Returns the parameters of a condense layer in one dimension, in the order of
    /// [`crate::ops::condense::CondenseLayer`].
    fn condense_parameters(&self, fused: &FusedLayer, mode: Mode) -> Result<Tensor> {
        let tensor = |index: usize, what: &str| {
            self.parameters.tensor(&self.graph.node(index).name, what, mode)
        };
        let mut parameters = Vec::with_capacity(3 * fused.nodes.len());
        for (norm, convolution) in &fused.nodes {
            parameters.extend([tensor(*norm, "weight"), tensor(*norm, "bias")]);
            if let Some(convolution) = convolution {
                parameters.push(self.weight(*convolution, mode)?.flatten_all()?);
            }
        }
        Ok(Tensor::cat(&parameters, 0)?)
    }

    fn condense_statistics(
        &self,
        fused: &FusedLayer,
        context: &mut ForwardContext,
    ) -> NormStatistics {
        let name = |index: usize| &self.graph.node(index).name;
        match context.mode {
            Mode::Evaluation => {
                let running = |(norm, _): &(usize, _)| self.parameters.running[name(*norm)].clone();
                NormStatistics::Running(fused.nodes.iter().map(running).collect())
            }
            Mode::Training { .. } | Mode::Statistics => {
                let shared = SharedStatistics::default();
                for (index, (norm, _)) in fused.nodes.iter().enumerate() {
                    let channels = fused.layer.channels(index);
                    context.statistics.push((name(*norm).clone(), channels, shared.clone()));
                }
                NormStatistics::Batch(shared)
            }
        }
    }

    fn dropout(&self, index: usize, probability: f64, seed: u64, step: usize) -> Dropout {
        Dropout::new(probability, seed, &self.graph.dropout_stream(index, step), self.level)
    }
}
