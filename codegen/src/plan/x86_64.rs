//! The sizes of convolutions on x86-64, for vectors of 16 and of 8 numbers: those with which a
//! layer is estimated to take the fewest cycles.

use runtime::conv::{Convolution, MAX_TILE};

/// Numbers in the longest vectors.
const LANES: usize = 16;
/// Numbers in the vectors that serve rows of at most so many columns.
const SHORT_LANES: usize = 8;
/// The fewest filters whose sums for three vectors keep the multipliers busy.
const FEWEST: usize = 5;
/// The elements that the nearest cache holds besides weights and sums: 32 KiB.
const NEAREST: usize = 1 << 13;

/// The cycles in which sums are set up and their places are found.
const SET_UP: usize = 30;

/// Returns the filters of a tile: as few as possible are computed in vain, in few tiles.
pub(super) fn tile(filters: usize) -> usize {
    let cost = |tile: &usize| {
        let tiles = filters.div_ceil(*tile);
        // A tile loads all inputs once more, which takes as long as half a filter.
        2 * tiles * tile + tiles
    };
    let tiles = (FEWEST.min(filters)..=MAX_TILE.min(filters)).rev();
    tiles.min_by_key(cost).unwrap_or(1)
}

/// Returns `layer` with chunks, bands and planes of the least cost in so much scratch memory.
pub(super) fn sizes(layer: Convolution, tile: usize, room: usize) -> Convolution {
    let height = layer.out_height();
    let candidates = [false, true].into_iter().flat_map(|flat| {
        divisions(height).flat_map(move |band| {
            divisions(layer.channels).map(move |chunk| Convolution { chunk, band, flat, ..layer })
        })
    });
    let fitting = candidates.filter(|layer| layer.scratch_len() <= room);
    let best = fitting.min_by_key(|layer| cycles(layer, tile));
    best.unwrap_or(Convolution { chunk: 1, band: 1, ..layer })
}

/// Returns the sizes of the largest parts when so many are divided into about equal ones.
fn divisions(count: usize) -> impl Iterator<Item = usize> {
    let mut last = 0;
    (1..=count).map(move |parts| count.div_ceil(parts)).filter(move |size| {
        let is_new = *size != last;
        last = *size;
        is_new
    })
}

/// Returns an estimate of a layer's cycles.
fn cycles(layer: &Convolution, tile: usize) -> usize {
    let Convolution { channels, filters, kernel, stride, chunk, band, flat, .. } = *layer;
    let bands = layer.out_height().div_ceil(band);
    let filters = filters.next_multiple_of(tile);
    let in_bands = (0..layer.out_height())
        .step_by(band)
        .map(|start| vectors(layer, band.min(layer.out_height() - start)));
    let vectors = in_bands.clone().sum::<usize>();
    // Sums are set up for two or three vectors together, for each tile and chunk.
    let groups = in_bands.map(|vectors| vectors.div_ceil(2)).sum::<usize>();
    let set_up = groups * filters / tile * channels.div_ceil(chunk) * SET_UP;
    // Two products a cycle.
    let products = vectors * channels * kernel * kernel * filters / 2;
    // Each partial sum is stored, and loaded for the next chunk; meanwhile no products are made.
    let sums = (channels.div_ceil(chunk) - 1) * vectors * filters * 4;
    // Rows between those that the kernel covers are not needed.
    let rows = bands * ((band - 1) * kernel.min(stride) + kernel);
    let row = layer.width.div_ceil(LANES);
    let row_cycles = match (flat, stride) {
        // Rows next to each other are copied at once, but padding is cleared row by row.
        (true, 1) => kernel * 2 * row + 2 * (kernel - 1),
        (true, _) => 6 * row + 6 + 8 * kernel,
        (false, 1) => 2 * row + 6,
        (false, _) => 6 * row + 6,
    };
    // What does not fit into the nearest cache is fetched again for each tile but the first.
    let is_far = chunk * layer.plane_len() > NEAREST;
    let again = if is_far { filters / tile - 1 } else { 0 };
    let fetched = bands * again * channels * layer.plane_len() / LANES * 2;
    products + set_up + sums + channels * rows * row_cycles + fetched
}

/// Returns the vectors of outputs in a band of so many rows.
fn vectors(layer: &Convolution, rows: usize) -> usize {
    let width = layer.out_width();
    let [rows, width] = if layer.flat { [1, rows * width] } else { [rows, width] };
    let lanes = if width <= SHORT_LANES { SHORT_LANES } else { LANES };
    rows * width.div_ceil(lanes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_filters_are_computed_in_vain() {
        let tiles = [1, 4, 7, 12, 13, 16, 24, 25, 31, 32, 48, 64].map(tile);
        assert_eq!(tiles, [1, 4, 7, 12, 7, 8, 12, 5, 8, 8, 12, 8]);
    }

    #[test]
    fn parts_are_about_equal() {
        assert_eq!(divisions(10).collect::<Vec<_>>(), [10, 5, 4, 3, 2, 1]);
        assert_eq!(divisions(1).collect::<Vec<_>>(), [1]);
    }

    fn layer(channels: usize, side: usize, filters: usize) -> Convolution {
        Convolution {
            channels,
            height: side,
            width: side,
            filters,
            kernel: 3,
            stride: 1,
            chunk: 1,
            band: side,
            flat: false,
        }
    }

    /// Rows of 8 would fill half a vector; rows of 32 fill two.
    #[test]
    fn vectors_run_over_the_ends_of_short_rows() {
        assert!(sizes(layer(64, 8, 64), 8, 1 << 15).flat);
        let wide = sizes(layer(16, 32, 16), 8, 5000);
        assert_eq!((wide.flat, wide.chunk), (false, 16), "bands of all channels: {wide:?}");
        assert!(wide.band < 32 && wide.scratch_len() <= 5000);
    }

    #[test]
    fn a_row_of_one_channel_is_the_least() {
        let least = sizes(layer(8, 100, 8), 8, 200);
        assert_eq!((least.chunk, least.flat), (1, false));
    }
}
