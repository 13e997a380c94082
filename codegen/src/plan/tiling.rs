//! How many filters of a convolution are computed together, and how much of its input at a time.

use super::lowering::ConvParams;
use common::network::Shape;
use runtime::conv::{Convolution, MAX_TILE};
use runtime::simd::MAX_LANES;

/// The most scratch memory of a convolution, 128 KiB: more makes it no faster.
const MOST_SCRATCH: usize = 1 << 15;
/// The scratch memory that a convolution gets even where that is a large part of the arena: 8 KiB.
const LEAST_SCRATCH: usize = 1 << 11;
/// The filters that a small block of GPU threads computes.
pub(crate) const FILTER_GROUP: usize = 4;

/// Returns the sizes of a convolution on a CPU, and the filters of its tiles: as few tiles as
/// possible, all of one size, and as few chunks of about one size as fit into the scratch memory.
pub(crate) fn for_cpu(input: Shape, params: ConvParams, allowance: usize) -> (Convolution, usize) {
    let (layer, tile) = one_channel_at_a_time(input, params);
    let channels = input.channels;
    let room = allowance.clamp(LEAST_SCRATCH, MOST_SCRATCH) - MAX_LANES;
    let chunk = (room / layer.plane_len()).clamp(1, channels);
    let chunk = channels.div_ceil(channels.div_ceil(chunk));
    (Convolution { chunk, ..layer }, tile)
}

/// Returns the sizes of a convolution on a GPU, and the filters of its tiles: a tile is a whole
/// number of groups, and channels come one at a time.
pub(crate) fn for_gpu(input: Shape, params: ConvParams) -> (Convolution, usize) {
    let (layer, tile) = one_channel_at_a_time(input, params);
    (layer, tile.next_multiple_of(FILTER_GROUP))
}

fn one_channel_at_a_time(input: Shape, params: ConvParams) -> (Convolution, usize) {
    let Shape { channels, height, width } = input;
    let ConvParams { filters, kernel, stride } = params;
    let tile = filters.div_ceil(filters.div_ceil(MAX_TILE));
    (Convolution { channels, height, width, filters, kernel, stride, chunk: 1 }, tile)
}
