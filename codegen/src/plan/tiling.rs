//! How many filters of a convolution are computed together, and how much of its input at a time.

use super::lowering::ConvParams;
use super::steps::Device;
use super::x86_64;
use common::network::Shape;
use runtime::conv::{Convolution, MAX_TILE};
use runtime::simd::MAX_LANES;

/// The most scratch memory of a convolution, 128 KiB: more makes it no faster.
const MOST_SCRATCH: usize = 1 << 15;
/// The scratch memory that a convolution gets even where that is a large part of the arena: 8 KiB.
const LEAST_SCRATCH: usize = 1 << 11;
/// The filters that a small block of GPU threads computes.
pub(crate) const FILTER_GROUP: usize = 4;

/// Returns the sizes of a convolution on a device, and the filters of its tiles. On a CPU,
/// `allowance` is the memory that is free at that step.
pub(crate) fn for_device(
    device: Device,
    input: Shape,
    params: ConvParams,
    allowance: usize,
) -> (Convolution, usize) {
    let room = allowance.clamp(LEAST_SCRATCH, MOST_SCRATCH);
    match device {
        Device::X86_64 => {
            let tile = x86_64::tile(params.filters);
            (x86_64::sizes(one_channel_at_a_time(input, params), tile, room), tile)
        }
        Device::Arm => {
            let layer = one_channel_at_a_time(input, params);
            (in_chunks(layer, room), fewest_tiles(params.filters))
        }
        // A tile is a whole number of groups.
        Device::Gpu => {
            let tile = fewest_tiles(params.filters).next_multiple_of(FILTER_GROUP);
            (one_channel_at_a_time(input, params), tile)
        }
    }
}

/// Returns the sizes with as few chunks of about one size as fit into so much scratch memory.
fn in_chunks(layer: Convolution, room: usize) -> Convolution {
    let channels = layer.channels;
    let chunk = ((room - MAX_LANES) / layer.plane_len()).clamp(1, channels);
    Convolution { chunk: channels.div_ceil(channels.div_ceil(chunk)), ..layer }
}

/// Returns the filters of a tile if there are as few tiles as possible, all of one size.
fn fewest_tiles(filters: usize) -> usize {
    filters.div_ceil(filters.div_ceil(MAX_TILE))
}

fn one_channel_at_a_time(input: Shape, params: ConvParams) -> Convolution {
    let Shape { channels, height, width } = input;
    let ConvParams { filters, kernel, stride } = params;
    let layer = Convolution {
        channels,
        height,
        width,
        filters,
        kernel,
        stride,
        chunk: 1,
        band: 1,
        flat: false,
    };
    Convolution { band: layer.out_height(), ..layer }
}
