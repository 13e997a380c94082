//! How many filters of a convolution are computed together, and how much of its input at a time.

use common::network::Shape;
use runtime::conv::{Convolution, MAX_TILE};
use runtime::simd::MAX_LANES;

/// The most scratch memory that a convolution takes, 128 KiB, since more makes it no faster, and
/// what it takes even where that is a large part of the arena, 8 KiB.
const MOST_SCRATCH: usize = 1 << 15;
const LEAST_SCRATCH: usize = 1 << 11;
/// The filters that a small block of a GPU's threads computes.
pub(crate) const FILTER_GROUP: usize = 4;

/// The convolution's numbers and tile: as few tiles as possible, all of one size; in chunks of
/// about one size as well, as few as fit into so much scratch memory.
pub(crate) fn for_processor(
    input: Shape,
    layer: [usize; 3],
    allowance: usize,
) -> (Convolution, usize) {
    let (layer, tile) = whole(input, layer);
    let channels = input.channels;
    let room = allowance.clamp(LEAST_SCRATCH, MOST_SCRATCH) - MAX_LANES;
    let chunk = (room / layer.plane_len()).clamp(1, channels);
    let chunk = channels.div_ceil(channels.div_ceil(chunk));
    (Convolution { chunk, ..layer }, tile)
}

/// The same on a GPU: a tile is a whole number of groups, and channels come one at a time.
pub(crate) fn for_gpu(input: Shape, layer: [usize; 3]) -> (Convolution, usize) {
    let (layer, tile) = whole(input, layer);
    (layer, tile.next_multiple_of(FILTER_GROUP))
}

fn whole(input: Shape, [filters, kernel, stride]: [usize; 3]) -> (Convolution, usize) {
    let Shape { channels, height, width } = input;
    let tile = filters.div_ceil(filters.div_ceil(MAX_TILE));
    (Convolution { channels, height, width, filters, kernel, stride, chunk: 1 }, tile)
}
