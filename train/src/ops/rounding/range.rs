//! The range of each channel of a batch, in which its values are rounded.

#![allow(unsafe_code)] // Only the calls that `multiversion!` makes, after detecting the features.

use crate::ops::blocks::{Blocks, LANES};
use crate::ops::simd::{Level, multiversion};
use crate::ops::statistics::{Affine, Statistics};
use rayon::prelude::*;

/// Standard deviations from the mean beyond which a value is outside the range. A few outliers
/// would otherwise make all steps coarse.
const REACH: f32 = 8.0;

/// The smallest and largest value of a channel that are inside its range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    pub low: f32,
    pub high: f32,
}

impl Range {
    /// Returns the range that contains both.
    pub(super) fn with(self, other: Range) -> Range {
        Range { low: self.low.min(other.low), high: self.high.max(other.high) }
    }
}

/// Returns the range of each channel of a batch in blocks that has these statistics.
pub(in crate::ops) fn ranges(
    level: Level,
    shape: Blocks,
    statistics: &Statistics,
    data: &[f32],
) -> Vec<Range> {
    let extremes = extremes(level, shape, data);
    let reach = statistics.mean.iter().zip(&statistics.variance).map(|(mean, variance)| {
        let reach = REACH * variance.sqrt();
        [mean - reach, mean + reach]
    });
    let range = |(found, [least, most]): (Range, [f32; 2])| Range {
        low: found.low.max(least),
        high: found.high.min(most),
    };
    extremes.into_iter().zip(reach).map(range).collect()
}

/// Returns the range of a batch normalisation's results over all channels, whose values have these
/// ranges; `None` if there are no ranges.
pub(in crate::ops) fn arguments(norm: &Affine, ranges: &[Range]) -> Option<Range> {
    let of_channel = |((scale, shift), range): ((&f32, &f32), &Range)| {
        let ends = [range.low, range.high].map(|x| x * scale + shift);
        Range { low: ends[0].min(ends[1]), high: ends[0].max(ends[1]) }
    };
    norm.scale.iter().zip(&norm.shift).zip(ranges).map(of_channel).reduce(Range::with)
}

/// The smallest and the largest values that were seen in each lane.
type LaneExtremes = [[f32; LANES]; 2];

fn extremes(level: Level, shape: Blocks, data: &[f32]) -> Vec<Range> {
    let none = [[f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]];
    let of_block = |(block, rows): (usize, &[f32])| -> Vec<Range> {
        let mut found = vec![none; shape.channels];
        for (i, line) in rows.chunks_exact(shape.line()).enumerate() {
            line_extremes(level, line, &mut found[i % shape.channels]);
        }
        let live = shape.live(block);
        let range = |[low, high]: LaneExtremes| Range {
            low: low[..live].iter().copied().fold(f32::INFINITY, f32::min),
            high: high[..live].iter().copied().fold(f32::NEG_INFINITY, f32::max),
        };
        found.into_iter().map(range).collect()
    };
    let blocks: Vec<Vec<Range>> =
        data.par_chunks_exact(shape.block()).enumerate().map(of_block).collect();
    let all = |c: usize| blocks[1..].iter().fold(blocks[0][c], |all, block| all.with(block[c]));
    (0..shape.channels).map(all).collect()
}

multiversion! {
    /// Adds the elements of a line to the extremes of their lanes.
    fn line_extremes(line: &[f32], extremes: &mut LaneExtremes) => line_extremes_generic;
}

#[inline(always)]
fn line_extremes_generic(line: &[f32], extremes: &mut LaneExtremes) {
    let [mut low, mut high] = *extremes;
    for pixel in line.chunks_exact(LANES) {
        for i in 0..LANES {
            low[i] = if pixel[i] < low[i] { pixel[i] } else { low[i] };
            high[i] = if pixel[i] > high[i] { pixel[i] } else { high[i] };
        }
    }
    *extremes = [low, high];
}
