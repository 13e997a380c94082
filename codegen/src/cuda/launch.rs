//! Which kernel is launched with how many threads.

use crate::names::function_type;
use crate::plan::{Kernel, Step};
use crate::tiling::FILTER_GROUP;
use common::activation::PiecewiseActivation;
use runtime::conv::Convolution;

/// Shared memory that every GPU lets a block have, in f32: 48 KiB.
pub(super) const MAX_SHARED: usize = 12 << 10;
/// Threads of a warp.
const LANES: usize = 32;
/// Threads of a block whose threads do not work together, as in `kernels.cu`.
const THREADS: usize = 256;
/// Threads of a block that makes one number, as in `kernels.cu`.
const REDUCERS: usize = 128;
/// Warps of a block that computes a group of filters, and of one that computes a whole tile of
/// them.
const WARPS: [usize; 2] = [16, 8];
/// Rows and columns that a warp's lanes may have.
const TILES: [[usize; 2]; 6] = [[4, 8], [8, 4], [2, 16], [16, 2], [1, 32], [32, 1]];

/// One way to run a step for one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The kernel with its parameters, as C++ writes it.
    pub kernel: String,
    /// Blocks.
    pub blocks: usize,
    /// Threads of each.
    pub threads: usize,
    /// Shared memory of each, in f32.
    pub shared: usize,
}

/// The ways to run a step, the one with the fewest blocks first. Fewer blocks do less work all in
/// all; more of them keep a large GPU busy when there are few images.
pub(super) fn launches(step: &Step) -> Vec<Launch> {
    let (input, output) = (step.input, step.output);
    let [height, width, plane] = [input.height, input.width, input.plane()];
    let entry = format!("{}, {}", activation(step.entry.activation), step.entry.norm.is_some());
    let alone = |kernel: String| vec![elementwise(kernel, output.elements())];
    match &step.kernel {
        Kernel::Convolution { layer, tile, .. } => convolutions(layer, *tile, &entry),
        Kernel::Map => alone(format!("Map<{entry}, {plane}>")),
        Kernel::Add { activation: of_sum } => {
            alone(format!("Add<{}, {}, {plane}>", activation(*of_sum), step.entry.norm.is_some()))
        }
        Kernel::Shortcut { stride } => alone(format!("Shortcut<{height}, {width}, {stride}>")),
        Kernel::AveragePool { size, .. } => {
            alone(format!("AveragePool<{entry}, {height}, {width}, {size}>"))
        }
        Kernel::GlobalAveragePool => {
            vec![reducing(format!("GlobalAveragePool<{entry}, {plane}>"), output.channels)]
        }
        Kernel::GlobalMaxPool => {
            vec![reducing(format!("GlobalMaxPool<{entry}, {plane}>"), output.channels)]
        }
        Kernel::Linear { .. } => vec![reducing("Dense".to_string(), output.channels)],
        Kernel::Copy => vec![copy(output.elements())],
    }
}

/// A copy of so many elements.
pub(super) fn copy(elements: usize) -> Launch {
    elementwise(format!("Copy<{elements}>"), elements)
}

fn elementwise(kernel: String, elements: usize) -> Launch {
    Launch { kernel, blocks: elements.div_ceil(THREADS), threads: THREADS, shared: 0 }
}

fn reducing(kernel: String, blocks: usize) -> Launch {
    Launch { kernel, blocks, threads: REDUCERS, shared: REDUCERS }
}

fn convolutions(layer: &Convolution, packed: usize, entry: &str) -> Vec<Launch> {
    let mut groups = vec![(packed, WARPS[1])];
    if packed > FILTER_GROUP {
        groups.push((FILTER_GROUP, WARPS[0]));
    }
    groups
        .into_iter()
        .map(|(group, warps)| convolution(layer, packed, group, warps, entry))
        .collect()
}

/// In the tiles of which the image needs the fewest, and of those the ones with the smallest
/// windows.
fn convolution(
    layer: &Convolution,
    packed: usize,
    group: usize,
    warps: usize,
    entry: &str,
) -> Launch {
    let Convolution { channels, height, width, filters, kernel, stride, .. } = *layer;
    let taps = kernel * kernel;
    let count = |[rows, columns]: [usize; 2]| {
        layer.out_height().div_ceil(rows) * layer.out_width().div_ceil(columns)
    };
    let window =
        |tile: [usize; 2]| tile.map(|side| (side - 1) * stride + kernel).iter().product::<usize>();
    let tile =
        TILES.into_iter().min_by_key(|tile| (count(*tile), window(*tile))).unwrap_or(TILES[0]);
    let of_warp = window(tile) + taps * group;
    // As many as there are channels at most; a power of two, so that few kernels differ in this
    // alone.
    let most = channels.min(warps).min(MAX_SHARED / of_warp).max(1);
    let warps = 1 << most.ilog2();
    let [rows, columns] = tile;
    Launch {
        kernel: format!(
            "Convolution<{entry}, {height}, {width}, {kernel}, {stride}, {rows}, {columns}, {packed}, {group}, {warps}>"
        ),
        blocks: count(tile) * filters.div_ceil(group),
        threads: warps * LANES,
        shared: warps * of_warp.max(group * LANES),
    }
}

fn activation(pair: Option<PiecewiseActivation>) -> String {
    pair.map_or("Identity".to_string(), |pair| {
        format!("Piecewise<{}, {}>", function_type(pair.left), function_type(pair.right))
    })
}
