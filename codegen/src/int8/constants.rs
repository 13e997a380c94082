//! The constants of a plan in integers: numbers of one size lie together.

use std::ops::Range;

/// How many numbers of each size there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lengths {
    /// Biases and multipliers, of 32 bits.
    pub words: usize,
    /// Factors and offsets of tables, of 16 bits; an even number.
    pub factors: usize,
    /// Tables of 256 bytes.
    pub tables: usize,
    /// Weights, of 8 bits; a multiple of 4.
    pub weights: usize,
}

impl Lengths {
    /// Returns the bytes of all constants.
    pub fn bytes(&self) -> usize {
        4 * self.words + 2 * self.factors + 256 * self.tables + self.weights
    }

    /// Appends the constants of a table.
    pub(super) fn add_table(
        &mut self,
        step: usize,
        terms: usize,
        channels: usize,
    ) -> TableConstants {
        let factors = take(&mut self.factors, terms * channels);
        let offsets = take(&mut self.factors, channels);
        self.tables += 1;
        TableConstants { step, factors, offsets, table: self.tables - 1 }
    }

    /// Appends the constants of some filters.
    pub(super) fn add_filters(
        &mut self,
        step: usize,
        filters: usize,
        weights: usize,
    ) -> FilterConstants {
        FilterConstants {
            step,
            weights: take(&mut self.weights, weights),
            biases: take(&mut self.words, filters),
            multipliers: take(&mut self.words, filters),
        }
    }

    /// Fills up what must be a multiple of some number.
    pub(super) fn complete(&mut self) {
        self.factors = self.factors.next_multiple_of(2);
        self.weights = self.weights.next_multiple_of(4);
    }
}

fn take(len: &mut usize, more: usize) -> Range<usize> {
    *len += more;
    *len - more..*len
}

/// The constants of a batch normalisation and activation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableConstants {
    /// The step of [`common::quantized::Plan`].
    pub step: usize,
    /// Factors: of the first term, then of the second.
    pub factors: Range<usize>,
    /// Offsets.
    pub offsets: Range<usize>,
    /// Index of the table.
    pub table: usize,
}

/// The constants of a convolution's or classifier's filters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterConstants {
    /// The step of [`common::quantized::Plan`].
    pub step: usize,
    /// Packed weights.
    pub weights: Range<usize>,
    /// Where sums begin.
    pub biases: Range<usize>,
    /// Multipliers of sums.
    pub multipliers: Range<usize>,
}

impl TableConstants {
    /// Returns the bytes of these constants.
    pub(crate) fn bytes(&self) -> usize {
        2 * (self.factors.len() + self.offsets.len()) + 256
    }
}

impl FilterConstants {
    /// Returns the bytes of these constants.
    pub(crate) fn bytes(&self) -> usize {
        self.weights.len() + 4 * (self.biases.len() + self.multipliers.len())
    }
}
