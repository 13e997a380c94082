//! The working memory of an inference, split into the input and output of a kernel.

use core::ops::Range;

/// Returns the slices of `memory` at ascending `ranges` that do not overlap.
///
/// # Panics
/// Panics if a range begins before the one before it ends, or ends outside the memory.
pub fn split<T, const N: usize>(memory: &mut [T], ranges: [Range<usize>; N]) -> [&mut [T]; N] {
    let (mut rest, mut at) = (memory, 0);
    ranges.map(|range| {
        assert!(
            at <= range.start && range.start <= range.end,
            "the ranges must ascend and not overlap"
        );
        let (taken, after) =
            core::mem::take(&mut rest)[range.start - at..].split_at_mut(range.end - range.start);
        (rest, at) = (after, range.end);
        taken
    })
}
