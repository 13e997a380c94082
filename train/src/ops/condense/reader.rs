//! The batch normalisation and activation of one reader of a concatenation: of a FEL, or of the tail.

use crate::ops::activation::affine_values;
use crate::ops::rounding::range::{Range, arguments};
use crate::ops::rounding::table::{Table, table_values};
use crate::ops::simd::Level;
use crate::ops::statistics::{Affine, Channel};
use common::network::activation::PiecewiseActivation;

/// What a reader computes of every channel before its convolution or average.
pub(super) struct Reader {
    pair: PiecewiseActivation,
    affine: Affine,
    table: Option<Table>,
}

impl Reader {
    /// Returns the reader with this batch normalisation. With the `ranges` of the channels, the
    /// activation is rounded; without any, it is not.
    pub(super) fn new(pair: PiecewiseActivation, affine: Affine, ranges: &[Range]) -> Reader {
        let table = arguments(&affine, ranges).and_then(|all| Table::new(pair, all.low, all.high));
        Reader { pair, affine, table }
    }

    /// Writes the activated values of channel `c`.
    pub(super) fn values(&self, level: Level, c: usize, input: &[f32], output: &mut [f32]) {
        let (scale, shift) = (self.affine.scale[c], self.affine.shift[c]);
        match self.table {
            None => affine_values(level, self.pair, scale, shift, input, output),
            Some(table) => table_values(level, table, scale, shift, input, output),
        }
    }

    /// Rounds averages of activated values, if the activation is rounded.
    pub(super) fn round_means(&self, means: &mut [f32]) {
        if let Some(table) = self.table {
            table.round_means(means);
        }
    }

    /// Returns channel `c`, whose values have this mean, for the backward pass.
    pub(super) fn channel(&self, c: usize, mean: f32) -> Channel {
        let (scale, shift) = (self.affine.scale[c], self.affine.shift[c]);
        Channel { pair: self.pair, table: self.table, scale, shift, mean }
    }
}
