//! A condense layer as one operation: its FELs (BatchNorm, activation, convolution, concatenation)
//! and what follows them, a transition or the pooling head (paper, section 4.1 and Fig. 2c).
//!
//! Done node by node, every concatenation would be copied and every normalised and activated tensor
//! stored, which grows with the square of the depth. Here only the FELs' outputs are kept. A
//! channel's batch statistics are the same for all of its readers and taken once; its normalised
//! and activated values are computed anew where they are needed, row by row in cache.

mod backward;
mod features;
mod forward;
mod tail;

use super::dropout::Dropout;
use super::scratch::{Buffer, Pool};
use super::simd::Level;
use super::statistics::{SharedStatistics, Statistics};
use super::{blocks::Blocks, elements, with_elements};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use common::activation::PiecewiseActivation;
use features::Features;
use std::sync::{Arc, Mutex};

/// The sizes of a condense layer. Its parameters lie in one line: for each FEL gamma, beta and the
/// weight (out, in, kernel, kernel); then those of the tail.
#[derive(Clone, Debug)]
pub struct Condense {
    /// Channels that enter.
    pub in_channels: usize,
    /// Channels that each FEL adds; pruned networks have different ones.
    pub filters: Vec<usize>,
    /// Side of the FELs' kernels, odd.
    pub kernel: usize,
    /// The activation, in FELs and tail.
    pub pair: PiecewiseActivation,
    /// What comes after the FELs.
    pub tail: Tail,
}

/// What follows the FELs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Nothing: the result is the concatenation.
    Concat,
    /// BatchNorm, activation, 1x1 convolution, average pooling. The pooling is done first: it
    /// commutes with a 1x1 convolution up to rounding and leaves it a quarter of the work.
    Transition {
        /// Channels after the convolution.
        out_channels: usize,
        /// Side of the pooled squares.
        pool: usize,
    },
    /// BatchNorm, activation, average over all positions.
    AverageHead,
}

/// Which statistics normalise.
pub enum Norms {
    /// Those of the batch, which are left in `statistics` for all channels.
    Batch(SharedStatistics),
    /// Given ones, for each FEL and then for the tail. Not differentiable.
    Given(Vec<Statistics>),
}

impl Condense {
    /// Channels before FEL `index`; of the whole concatenation for `filters.len()`.
    pub fn channels(&self, index: usize) -> usize {
        self.in_channels + self.filters[..index].iter().sum::<usize>()
    }

    /// Number of parameters.
    pub fn parameters(&self) -> usize {
        let (start, channels) = (self.start(self.filters.len()), self.channels(self.filters.len()));
        start
            + match self.tail {
                Tail::Concat => 0,
                Tail::Transition { out_channels, .. } => 2 * channels + out_channels * channels,
                Tail::AverageHead => 2 * channels,
            }
    }

    /// Where the parameters of FEL `index` begin; of the tail for `filters.len()`.
    fn start(&self, index: usize) -> usize {
        (0..index)
            .map(|i| self.channels(i) * (2 + self.filters[i] * self.kernel * self.kernel))
            .sum()
    }

    /// Gamma, beta and the rest of the parameters, from those of FEL `index` or of the tail on.
    fn split<'a>(&self, index: usize, parameters: &'a [f32]) -> (&'a [f32], &'a [f32], &'a [f32]) {
        let channels = self.channels(index);
        let (gamma, rest) = parameters[self.start(index)..].split_at(channels);
        let (beta, rest) = rest.split_at(channels);
        (gamma, beta, rest)
    }

    fn out_shape(&self, shape: Blocks) -> Blocks {
        let channels = self.channels(self.filters.len());
        match self.tail {
            Tail::Concat => shape.with_channels(channels),
            Tail::Transition { out_channels, pool } => Blocks {
                height: shape.height / pool,
                width: shape.width / pool,
                channels: out_channels,
                ..shape
            },
            Tail::AverageHead => Blocks { height: 1, width: 1, channels, ..shape },
        }
    }
}

/// One use of a condense layer on one batch.
pub struct Pass {
    layer: Arc<Condense>,
    images: usize,
    level: Level,
    pool: Arc<Pool>,
    norms: Norms,
    /// One for each FEL, or none at all.
    dropouts: Vec<Dropout>,
    /// The FELs' outputs, kept for the backward pass.
    kept: Mutex<Vec<Buffer>>,
}

impl Pass {
    /// A pass over a batch of `images`; large buffers come from `pool`.
    pub fn new(
        layer: Arc<Condense>,
        images: usize,
        level: Level,
        pool: Arc<Pool>,
        norms: Norms,
    ) -> Pass {
        Pass { layer, images, level, pool, norms, dropouts: Vec::new(), kept: Mutex::default() }
    }

    /// The pass with dropout after each FEL's convolution.
    pub fn with_dropouts(mut self, dropouts: Vec<Dropout>) -> Pass {
        self.dropouts = dropouts;
        self
    }

    /// The layer's output for `input` (blocks, height, in, width, 16), differentiable in both
    /// arguments where the batch's own statistics are used.
    ///
    /// # Errors
    /// Tensors that are not f32 on the CPU.
    pub fn apply(self, input: &Tensor, parameters: &Tensor) -> Result<Tensor> {
        input.contiguous()?.apply_op2(&parameters.contiguous()?, self)
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
        let Norms::Batch(statistics) = &self.norms else {
            candle_core::bail!("a condense layer with given statistics has no gradient")
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
