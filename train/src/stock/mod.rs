//! A network computed with Candle's own operations, which run on any device: what a GPU uses.
//! Batches are (images, channels, height, width).
//!
//! On the CPU it makes the same numbers as our kernels up to rounding (tested), so that only the
//! device itself is left to test on a machine that has one. A channel's moments are taken once for
//! all batch normalisations that read it, and only what convolutions read and make is kept for the
//! backward pass.

mod activation;
mod given;
pub(crate) mod host;
mod norm;

use crate::model::{Batch, Mode, Model, Seen};
use crate::ops::simd::Level;
use crate::plan::Step;
use anyhow::{Result, bail};
use candle_core::{DType, Device, Tensor};
use common::activation::{Activation, PiecewiseActivation};
use common::network::Op;
use common::profile::Precision;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Where Candle's operations run.
#[derive(Clone, Debug)]
pub struct Stock {
    /// The device.
    pub device: Device,
    /// What products are computed in. Tf32 and f32 differ by a switch of Candle's alone, which
    /// holds for all of the process.
    pub precision: Precision,
}

/// The moments of nodes' values, for batch normalisations that read them or a concatenation of
/// them.
pub(crate) type Moments = BTreeMap<Option<usize>, Tensor>;

impl Stock {
    /// Computes one step.
    pub(crate) fn step(
        &self,
        model: &Model,
        step: &Step,
        inputs: &[&Tensor],
        batch: Batch,
        seen: &mut Seen,
    ) -> Result<Tensor> {
        match step {
            Step::Node(index) => self.node(model, *index, inputs, batch, seen),
            Step::NormActivation { norm, pair } => {
                self.norm(model, *norm, *pair, inputs[0], batch, seen)
            }
            Step::Condense { .. } => bail!("a condense layer in one step is for our own kernels"),
        }
    }

    fn node(
        &self,
        model: &Model,
        index: usize,
        inputs: &[&Tensor],
        batch: Batch,
        seen: &mut Seen,
    ) -> Result<Tensor> {
        let (node, input) = (&model.network().nodes[index], inputs[0]);
        let tensor = |what: &str| model.tensor(&node.name, what, batch.mode);
        Ok(match node.op {
            Op::Conv2d { stride, .. } => self.convolution(input, &tensor("weight")?, stride)?,
            Op::BatchNorm { .. } => self.norm(model, index, IDENTITY, input, batch, seen)?,
            Op::Activation(pair) => {
                let channels = input.dim(1)?;
                let ones = Tensor::ones(channels, DType::F32, &self.device)?;
                norm::affine_activation(pair, input, &ones, &ones.zeros_like()?)?
            }
            Op::Dropout { probability } => match batch.mode {
                Mode::Training { seed, step } => {
                    let mask = model
                        .dropout(index, probability, seed, step, Level::detected())
                        .mask(input.dims4()?)?;
                    (input * mask.to_device(&self.device)?)?
                }
                Mode::Statistics | Mode::Evaluation => input.clone(),
            },
            Op::Concat {} => {
                self.concatenate_moments(model, index, inputs, batch, seen)?;
                Tensor::cat(inputs, 1)?
            }
            Op::Add {} => input.add(inputs[1])?,
            Op::Shortcut { out_channels, stride } => shortcut(input, out_channels, stride)?,
            Op::AveragePool { size } => {
                let whole = |side: usize| side / size * size;
                let (_, _, height, width) = input.dims4()?;
                input.narrow(2, 0, whole(height))?.narrow(3, 0, whole(width))?.avg_pool2d(size)?
            }
            Op::GlobalAveragePool {} => input.mean_keepdim(2)?.mean_keepdim(3)?,
            Op::GlobalMaxPool {} => input.max_keepdim(2)?.max_keepdim(3)?,
            Op::Linear { .. } => {
                let rows = input.flatten_from(1)?.to_dtype(self.of_products())?;
                let products =
                    rows.matmul(&tensor("weight")?.to_dtype(self.of_products())?.t()?)?;
                products.to_dtype(DType::F32)?.broadcast_add(&tensor("bias")?)?
            }
        })
    }

    /// The type of the factors of products.
    fn of_products(&self) -> DType {
        match self.precision {
            Precision::F32 | Precision::Tf32 => DType::F32,
            Precision::Bf16 => DType::BF16,
        }
    }

    /// With padding `kernel / 2`. Sides are filled up to multiples of the stride, with zeros as the
    /// padding has: Candle's backward pass takes for granted that both sides leave the same rest.
    fn convolution(
        &self,
        input: &Tensor,
        weight: &Tensor,
        stride: usize,
    ) -> candle_core::Result<Tensor> {
        let (_, _, height, width) = input.dims4()?;
        let missing = |side: usize| side.next_multiple_of(stride) - side;
        let filled =
            input.pad_with_zeros(2, 0, missing(height))?.pad_with_zeros(3, 0, missing(width))?;
        let (input, weight) =
            (filled.to_dtype(self.of_products())?, weight.to_dtype(self.of_products())?);
        input.conv2d(&weight, weight.dim(2)? / 2, stride, 1, 1)?.to_dtype(DType::F32)
    }

    fn norm(
        &self,
        model: &Model,
        index: usize,
        pair: PiecewiseActivation,
        input: &Tensor,
        batch: Batch,
        seen: &mut Seen,
    ) -> Result<Tensor> {
        let name = &model.network().nodes[index].name;
        let moments = match batch.mode {
            Mode::Evaluation => norm::moments_of(model.running(name), &self.device)?,
            Mode::Training { .. } => moments(model.sources(index)[0], input, seen)?,
            Mode::Statistics => {
                let moments = moments(model.sources(index)[0], input, seen)?;
                let (images, channels, height, width) = input.dims4()?;
                let statistics = norm::statistics(&moments, images, height * width)?;
                seen.norms.push((name.clone(), channels, Arc::new(OnceLock::from(statistics))));
                moments
            }
        };
        let (gamma, beta) =
            (model.tensor(name, "weight", batch.mode)?, model.tensor(name, "bias", batch.mode)?);
        let (scale, shift) = norm::scale_and_shift(&moments, &gamma, &beta)?;
        Ok(norm::affine_activation(pair, input, &scale, &shift)?)
    }

    fn concatenate_moments(
        &self,
        model: &Model,
        index: usize,
        inputs: &[&Tensor],
        batch: Batch,
        seen: &mut Seen,
    ) -> Result<()> {
        match batch.mode {
            Mode::Training { .. } | Mode::Statistics => {
                let sources = model.sources(index).iter().zip(inputs);
                let parts = sources
                    .map(|(source, input)| moments(*source, input, seen))
                    .collect::<Result<Vec<_>>>()?;
                seen.moments.insert(Some(index), Tensor::cat(&parts, 1)?);
            }
            Mode::Evaluation => {}
        }
        Ok(())
    }
}

const IDENTITY: PiecewiseActivation =
    PiecewiseActivation { left: Activation::Linear, right: Activation::Linear };

/// The moments of a node's value, taken now unless they have been taken before.
fn moments(source: Option<usize>, value: &Tensor, seen: &mut Seen) -> Result<Tensor> {
    if let Some(moments) = seen.moments.get(&source) {
        return Ok(moments.clone());
    }
    let moments = norm::moments(value)?;
    seen.moments.insert(source, moments.clone());
    Ok(moments)
}

/// The first of every `stride` rows and columns, then channels of zeros.
fn shortcut(input: &Tensor, out_channels: usize, stride: usize) -> candle_core::Result<Tensor> {
    let (_, channels, height, width) = input.dims4()?;
    let every = |count: usize| Tensor::from_iter((0..count as u32).step_by(stride), input.device());
    let taken = input.index_select(&every(height)?, 2)?.index_select(&every(width)?, 3)?;
    taken.pad_with_zeros(1, 0, out_channels - channels)
}
