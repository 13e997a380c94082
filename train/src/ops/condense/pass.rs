//! A condense layer as one operation of Candle's autograd.

use super::features::Features;
use super::layer::CondenseLayer;
use crate::ops::blocks::Blocks;
use crate::ops::dropout::Dropout;
use crate::ops::rounding::range::Range;
use crate::ops::scratch::{Buffer, BufferPool};
use crate::ops::simd::Level;
use crate::ops::statistics::{SharedStatistics, Statistics};
use crate::ops::storage::{elements, with_elements};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use std::sync::{Arc, Mutex, OnceLock};

/// The statistics that normalise.
pub enum NormStatistics {
    /// Those of the batch, which the forward pass stores here for all channels.
    Batch(SharedStatistics),
    /// Running statistics, for each FEL and then for the tail. Not differentiable.
    Running(Vec<Statistics>),
}

/// The forward and backward pass of a condense layer for one batch.
pub struct Pass {
    pub(super) layer: Arc<CondenseLayer>,
    pub(super) images: usize,
    pub(super) level: Level,
    pub(super) pool: Arc<BufferPool>,
    pub(super) norms: NormStatistics,
    /// One for each FEL; empty for a layer without dropout.
    pub(super) dropouts: Vec<Dropout>,
    /// Whether activations and the FELs' outputs are rounded as in an int8 network.
    pub(super) rounded: bool,
    /// The ranges of all channels, kept for the backward pass; none if nothing is rounded.
    pub(super) ranges: OnceLock<Vec<Range>>,
    /// The FELs' outputs, kept for the backward pass.
    kept: Mutex<Vec<Buffer>>,
}

impl Pass {
    /// Returns a pass over a batch of `images`, which takes large buffers from `pool`.
    pub fn new(
        layer: Arc<CondenseLayer>,
        images: usize,
        level: Level,
        pool: Arc<BufferPool>,
        norms: NormStatistics,
    ) -> Pass {
        Pass {
            layer,
            images,
            level,
            pool,
            norms,
            dropouts: Vec::new(),
            rounded: false,
            ranges: OnceLock::new(),
            kept: Mutex::default(),
        }
    }

    /// Adds dropout after the convolution of each FEL.
    pub fn with_dropouts(mut self, dropouts: Vec<Dropout>) -> Pass {
        self.dropouts = dropouts;
        self
    }

    /// Rounds activations, averages of them and the FELs' outputs as an int8 network does. Weights
    /// are taken as they are, and so is the output of the tail.
    pub fn rounded(mut self) -> Pass {
        self.rounded = true;
        self
    }

    /// Returns the output of the layer for `input` (blocks, height, in, width, 16), differentiable
    /// in both arguments if the statistics are those of the batch.
    ///
    /// # Errors
    /// Fails if the shapes do not fit, or if a tensor is not f32 on the CPU.
    pub fn apply(self, input: &Tensor, parameters: &Tensor) -> Result<Tensor> {
        input.contiguous()?.apply_op2(&parameters.contiguous()?, self)
    }

    /// Returns the ranges that the forward pass found.
    pub(super) fn found(&self) -> &[Range] {
        self.ranges.get().map_or(&[], Vec::as_slice)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Buffer>> {
        self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        for buffer in self.kept().drain(..) {
            self.pool.give(buffer);
        }
    }
}

impl CustomOp2 for Pass {
    fn name(&self) -> &'static str {
        "condense-layer"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (shape, parameters) = (Blocks::of(l1.shape(), self.images)?, elements(s2, l2)?);
        if shape.channels != self.layer.in_channels || parameters.len() != self.layer.parameters() {
            candle_core::bail!(
                "a condense layer {:?} does not fit {:?}, {:?}",
                self.layer,
                l1.shape(),
                l2.shape()
            );
        }
        let (output, outputs) = self.forward(shape, elements(s1, l1)?, parameters);
        *self.kept() = outputs;
        Ok((CpuStorage::F32(output), self.layer.out_shape(shape).shape()))
    }

    fn bwd(
        &self,
        input: &Tensor,
        parameters: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let NormStatistics::Batch(statistics) = &self.norms else {
            candle_core::bail!("a condense layer with running statistics has no gradient")
        };
        let statistics = statistics.get_or_init(Statistics::default);
        let shape = Blocks::of(input.shape(), self.images)?;
        let kept = self.kept();
        let (dx, dp) = with_elements(input, |x| {
            let features = Features::new(shape, x, kept.iter().zip(&self.layer.filters));
            with_elements(parameters, |p| {
                with_elements(gradient, |dy| Ok(self.backward(&features, statistics, p, dy)))
            })
        })?;
        let parameter_gradient = Tensor::from_vec(dp, parameters.shape(), parameters.device())?;
        Ok((Some(Tensor::from_vec(dx, input.shape(), input.device())?), Some(parameter_gradient)))
    }
}
