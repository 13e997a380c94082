//! Batch normalisation with the activation after it, in one operation: with the statistics of the
//! batch, differentiable, for training; with running statistics for evaluation.

use super::activation::affine_values;
use super::blocks::Blocks;
use super::rounding::range::{arguments, ranges};
use super::rounding::table::{Table, table_values};
use super::simd::Level;
use super::statistics::{
    Affine, Channel, Correction, LaneSums, SharedStatistics, Statistics, activation_backward,
    subtract_correction, total,
};
use super::storage::{elements, with_elements};
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use common::network::activation::PiecewiseActivation;
use rayon::prelude::*;
use std::sync::OnceLock;

/// Batch normalisation and the activation after it; (linear, linear) if there is none.
#[derive(Clone, Copy, Debug)]
pub struct NormActivation {
    /// Images of the batch.
    pub images: usize,
    /// The activation.
    pub pair: PiecewiseActivation,
    /// The instruction set of the kernels.
    pub level: Level,
}

impl NormActivation {
    /// Returns `activation((x - mean) / sqrt(variance + epsilon) * gamma + beta)` of a batch in
    /// blocks with the statistics of the batch, and these statistics.
    ///
    /// # Errors
    /// Fails if a tensor is not f32 on the CPU.
    pub fn train(
        self,
        input: &Tensor,
        gamma: &Tensor,
        beta: &Tensor,
    ) -> Result<(Tensor, SharedStatistics)> {
        self.run(input, gamma, beta, false)
    }

    /// Returns the same with the activation rounded as in an int8 network.
    ///
    /// # Errors
    /// Fails if a tensor is not f32 on the CPU.
    pub fn train_rounded(
        self,
        input: &Tensor,
        gamma: &Tensor,
        beta: &Tensor,
    ) -> Result<(Tensor, SharedStatistics)> {
        self.run(input, gamma, beta, true)
    }

    fn run(
        self,
        input: &Tensor,
        gamma: &Tensor,
        beta: &Tensor,
        rounded: bool,
    ) -> Result<(Tensor, SharedStatistics)> {
        let statistics = SharedStatistics::default();
        let table = OnceLock::new();
        let op = Training { op: self, statistics: statistics.clone(), rounded, table };
        Ok((input.contiguous()?.apply_op3(gamma, beta, op)?, statistics))
    }

    /// Returns the same with running statistics; not differentiable.
    ///
    /// # Errors
    /// Fails if a tensor is not f32 on the CPU.
    pub fn evaluate(
        self,
        input: &Tensor,
        statistics: &Statistics,
        gamma: &Tensor,
        beta: &Tensor,
    ) -> Result<Tensor> {
        let shape = Blocks::of(input.shape(), self.images)?;
        let affine = Affine::new(statistics, &gamma.to_vec1()?, &beta.to_vec1()?);
        let output = with_elements(input, |x| Ok(self.forward(&affine, None, shape, x)))?;
        Tensor::from_vec(output, input.shape(), input.device())
    }

    fn forward(
        self,
        affine: &Affine,
        table: Option<Table>,
        shape: Blocks,
        input: &[f32],
    ) -> Vec<f32> {
        let mut output = vec![0.0; input.len()];
        output.par_chunks_exact_mut(shape.row()).zip(input.par_chunks_exact(shape.row())).for_each(
            |(output, input)| {
                let lines =
                    output.chunks_exact_mut(shape.line()).zip(input.chunks_exact(shape.line()));
                for (c, (y, x)) in lines.enumerate() {
                    let (scale, shift) = (affine.scale[c], affine.shift[c]);
                    match table {
                        None => affine_values(self.level, self.pair, scale, shift, x, y),
                        Some(table) => table_values(self.level, table, scale, shift, x, y),
                    }
                }
            },
        );
        output
    }
}

struct Training {
    op: NormActivation,
    statistics: SharedStatistics,
    rounded: bool,
    /// The roundings of this batch, kept for the backward pass.
    table: OnceLock<Option<Table>>,
}

impl Training {
    /// Returns the roundings of the activation of this batch; `None` if it is not rounded.
    fn find_table(
        &self,
        shape: Blocks,
        affine: &Affine,
        statistics: &Statistics,
        input: &[f32],
    ) -> Option<Table> {
        if !self.rounded {
            return None;
        }
        let ranges = ranges(self.op.level, shape, statistics, input);
        let all = arguments(affine, &ranges)?;
        Table::new(self.op.pair, all.low, all.high)
    }

    /// Returns the first term of the input's gradient, and for each block the sums from which the
    /// other two terms are computed.
    fn first_part(
        &self,
        shape: Blocks,
        affine: &Affine,
        means: &[f32],
        x: &[f32],
        dy: &[f32],
    ) -> (Vec<f32>, Vec<Vec<LaneSums>>) {
        let mut gradient = vec![0.0; x.len()];
        let blocks = gradient
            .par_chunks_exact_mut(shape.block())
            .zip(x.par_chunks_exact(shape.block()).zip(dy.par_chunks_exact(shape.block())));
        let sums = blocks.map(|(gradient, (x, dy))| {
            let mut sums = vec![LaneSums::default(); shape.channels];
            let lines = gradient.chunks_exact_mut(shape.line()).zip(x.chunks_exact(shape.line()));
            for (i, ((gradient, x), dy)) in lines.zip(dy.chunks_exact(shape.line())).enumerate() {
                let c = i % shape.channels;
                let (scale, shift) = (affine.scale[c], affine.shift[c]);
                let table = self.table.get().copied().flatten();
                let channel = Channel { pair: self.op.pair, table, scale, shift, mean: means[c] };
                activation_backward(self.op.level, channel, x, dy, gradient, &mut sums[c]);
            }
            sums
        });
        let sums = sums.collect();
        (gradient, sums)
    }

    fn subtract_correction(
        &self,
        shape: Blocks,
        correction: &Correction,
        means: &[f32],
        x: &[f32],
        gradient: &mut [f32],
    ) {
        gradient
            .par_chunks_exact_mut(shape.block())
            .zip(x.par_chunks_exact(shape.block()))
            .enumerate()
            .for_each(|(block, (gradient, x))| {
                let mask = shape.mask(block);
                let lines =
                    gradient.chunks_exact_mut(shape.line()).zip(x.chunks_exact(shape.line()));
                let mut first = vec![0.0; shape.line()];
                for (i, (gradient, x)) in lines.enumerate() {
                    let c = i % shape.channels;
                    first.copy_from_slice(gradient);
                    let numbers = [means[c], correction.offset[c], correction.factor[c]];
                    subtract_correction(self.op.level, &mask, numbers, x, &first, gradient);
                }
            });
    }
}

impl CustomOp3 for Training {
    fn name(&self) -> &'static str {
        "batch-norm-activation"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (shape, input) = (Blocks::of(l1.shape(), self.op.images)?, elements(s1, l1)?);
        let statistics =
            self.statistics.get_or_init(|| Statistics::of(self.op.level, shape, input));
        let affine = Affine::new(statistics, elements(s2, l2)?, elements(s3, l3)?);
        let table = self.table.get_or_init(|| self.find_table(shape, &affine, statistics, input));
        Ok((CpuStorage::F32(self.op.forward(&affine, *table, shape, input)), l1.shape().clone()))
    }

    fn bwd(
        &self,
        input: &Tensor,
        gamma: &Tensor,
        beta: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let shape = Blocks::of(input.shape(), self.op.images)?;
        let statistics = self.statistics.get_or_init(Statistics::default);
        let gammas = gamma.to_vec1::<f32>()?;
        let affine = Affine::new(statistics, &gammas, &beta.to_vec1()?);
        let mut correction = Correction::none(shape.channels);
        let (dx, (dgamma, dbeta)) = with_elements(input, |x| {
            let first = |dy: &[f32]| Ok(self.first_part(shape, &affine, &statistics.mean, x, dy));
            let (mut dx, sums) = with_elements(gradient, first)?;
            let of_affine = correction.add(statistics, &gammas, &total(&sums));
            self.subtract_correction(shape, &correction, &statistics.mean, x, &mut dx);
            Ok((dx, of_affine))
        })?;
        let device = input.device();
        Ok((
            Some(Tensor::from_vec(dx, input.shape(), device)?),
            Some(Tensor::from_vec(dgamma, shape.channels, device)?),
            Some(Tensor::from_vec(dbeta, shape.channels, device)?),
        ))
    }
}
