//! An activation with its roundings, as an operation on a batch in blocks: where no batch
//! normalisation is before it.

use super::range::{Range, ranges};
use super::table::{Table, table_derivatives, table_values};
use crate::ops::activation::{affine_derivatives, affine_values};
use crate::ops::blocks::Blocks;
use crate::ops::simd::Level;
use crate::ops::statistics::Statistics;
use crate::ops::storage::{elements, with_elements};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use common::network::activation::PiecewiseActivation;
use rayon::prelude::*;
use std::sync::{Arc, OnceLock};

/// The rounded activation of a batch; differentiable.
#[derive(Clone, Debug)]
pub struct RoundedPiecewise {
    images: usize,
    pair: PiecewiseActivation,
    level: Level,
    /// The table of this batch; `None` if all arguments are 0.
    table: Arc<OnceLock<Option<Table>>>,
}

impl RoundedPiecewise {
    /// Returns the operation for a batch of `images`.
    pub fn new(images: usize, pair: PiecewiseActivation, level: Level) -> RoundedPiecewise {
        RoundedPiecewise { images, pair, level, table: Arc::default() }
    }

    /// Applies the activation to every element of (blocks, height, channels, width, 16).
    ///
    /// # Errors
    /// Fails if the tensor is not f32 on the CPU.
    pub fn apply(self, input: &Tensor) -> Result<Tensor> {
        input.contiguous()?.apply_op1(self)
    }

    fn find_table(&self, shape: Blocks, input: &[f32]) -> Option<Table> {
        let statistics = Statistics::of(self.level, shape, input);
        let ranges = ranges(self.level, shape, &statistics, input);
        let all = ranges.into_iter().reduce(Range::with)?;
        Table::new(self.pair, all.low, all.high)
    }
}

impl CustomOp1 for RoundedPiecewise {
    fn name(&self) -> &'static str {
        "rounded-activation"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (shape, input) = (Blocks::of(layout.shape(), self.images)?, elements(storage, layout)?);
        let table = self.table.get_or_init(|| self.find_table(shape, input));
        let mut output = vec![0.0; input.len()];
        let rows = output.par_chunks_exact_mut(shape.row());
        rows.zip(input.par_chunks_exact(shape.row())).for_each(|(output, input)| match table {
            None => affine_values(self.level, self.pair, 1.0, 0.0, input, output),
            Some(table) => table_values(self.level, *table, 1.0, 0.0, input, output),
        });
        Ok((CpuStorage::F32(output), layout.shape().clone()))
    }

    fn bwd(&self, input: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let shape = Blocks::of(input.shape(), self.images)?;
        let table = self.table.get().copied().flatten();
        let mut result = vec![0.0; shape.elements()];
        with_elements(input, |x| {
            with_elements(gradient, |g| {
                let rows = result.par_chunks_exact_mut(shape.row());
                let operands = x.par_chunks_exact(shape.row()).zip(g.par_chunks_exact(shape.row()));
                rows.zip(operands).for_each(|(out, (x, g))| {
                    match table {
                        None => affine_derivatives(self.level, self.pair, 1.0, 0.0, x, out),
                        Some(table) => table_derivatives(self.level, table, 1.0, 0.0, x, out),
                    }
                    out.iter_mut().zip(g).for_each(|(out, g)| *out *= g);
                });
                Ok(())
            })
        })?;
        Ok(Some(Tensor::from_vec(result, input.shape(), input.device())?))
    }
}
