//! The launches of kernels: numbers of blocks and threads.

use crate::activation_name::function_type;
use crate::plan::tiling::FILTER_GROUP;
use crate::plan::{Kernel, Step};
use common::network::activation::PiecewiseActivation;
use runtime::conv::Convolution;

/// The shared memory that a block may have on every GPU, in f32: 48 KiB.
pub(super) const MAX_SHARED: usize = 12 << 10;
/// Threads of a warp.
const LANES: usize = 32;
/// Threads of a block in elementwise kernels, as in `kernels.cu`.
const THREADS: usize = 256;
/// Threads of a block that reduces to one number, as in `kernels.cu`.
const REDUCERS: usize = 128;
/// Warps of a block that computes a group of filters, and of a block that computes a whole tile.
const WARPS: [usize; 2] = [16, 8];
/// The shapes of a warp's outputs: rows and columns, one output a lane.
const TILES: [[usize; 2]; 6] = [[4, 8], [8, 4], [2, 16], [16, 2], [1, 32], [32, 1]];

/// One way to run a step for one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The kernel with its parameters, in C++.
    pub kernel: String,
    /// Number of blocks.
    pub blocks: usize,
    /// Threads of each block.
    pub threads: usize,
    /// Shared memory of each block, in f32.
    pub shared: usize,
}

/// Returns the ways to run a step, the one with the fewest blocks first. Fewer blocks do less work
/// in total; more blocks keep a large GPU busy when there are few images.
pub(super) fn launches(step: &Step) -> Vec<Launch> {
    let (input, output) = (step.input, step.output);
    let [height, width, plane] = [input.height, input.width, input.plane()];
    let prologue =
        format!("{}, {}", activation(step.prologue.activation), step.prologue.norm.is_some());
    let alone = |kernel: String| vec![elementwise(kernel, output.elements())];
    match &step.kernel {
        Kernel::Convolution { layer, tile, .. } => convolutions(layer, *tile, &prologue),
        Kernel::NormActivation => alone(format!("NormActivation<{prologue}, {plane}>")),
        Kernel::Add { activation: of_sum } => alone(format!(
            "Add<{}, {}, {plane}>",
            activation(*of_sum),
            step.prologue.norm.is_some()
        )),
        Kernel::Shortcut { stride } => alone(format!("Shortcut<{height}, {width}, {stride}>")),
        Kernel::AveragePool { size, .. } => {
            alone(format!("AveragePool<{prologue}, {height}, {width}, {size}>"))
        }
        Kernel::GlobalAveragePool => {
            vec![reducing(format!("GlobalAveragePool<{prologue}, {plane}>"), output.channels)]
        }
        Kernel::GlobalMaxPool => {
            vec![reducing(format!("GlobalMaxPool<{prologue}, {plane}>"), output.channels)]
        }
        Kernel::Linear { .. } => vec![reducing("Dense".to_string(), output.channels)],
        Kernel::Copy => vec![copy(output.elements())],
    }
}

/// Returns the launch of a copy of so many elements.
pub(super) fn copy(elements: usize) -> Launch {
    elementwise(format!("Copy<{elements}>"), elements)
}

fn elementwise(kernel: String, elements: usize) -> Launch {
    Launch { kernel, blocks: elements.div_ceil(THREADS), threads: THREADS, shared: 0 }
}

fn reducing(kernel: String, blocks: usize) -> Launch {
    Launch { kernel, blocks, threads: REDUCERS, shared: REDUCERS }
}

fn convolutions(layer: &Convolution, packed: usize, prologue: &str) -> Vec<Launch> {
    let mut groups = vec![(packed, WARPS[1])];
    if packed > FILTER_GROUP {
        groups.push((FILTER_GROUP, WARPS[0]));
    }
    groups
        .into_iter()
        .map(|(group, warps)| convolution(layer, packed, group, warps, prologue))
        .collect()
}

/// Returns the launch of a convolution, in tiles of the shape of which the image needs the fewest;
/// among those, of the shape with the smallest window.
fn convolution(
    layer: &Convolution,
    packed: usize,
    group: usize,
    warps: usize,
    prologue: &str,
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
            "Convolution<{prologue}, {height}, {width}, {kernel}, {stride}, {rows}, {columns}, {packed}, {group}, {warps}>"
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
