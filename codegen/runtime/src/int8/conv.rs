//! Convolution with "same" padding, of bytes that are activated on the way in, or averaged and
//! activated.
//!
//! Rows of the input are activated once, into a ring of as many rows as the kernel needs at a time.
//! There the channels of a pixel lie side by side in groups, with their padding around them. Sums
//! of `TILE` filters for one or two vectors of columns stay in registers over all channels and taps.

mod geometry;
mod ring;

pub use geometry::Convolution;
pub use ring::Input;

use super::dispatch::Kernels;
use super::engine::{Engine, Task};
use super::packing::Packing;
use super::taps::Taps;
use ring::Ring;

/// The constants of a convolution's filters. The last tile is filled up with filters of zeros.
#[derive(Clone, Copy, Debug)]
pub struct Filters<'a> {
    /// Weights, as the platform packs them.
    pub weights: &'a [i8],
    /// Where the sum of each filter begins.
    pub biases: &'a [i32],
    /// The multiplier of each filter's sum.
    pub multipliers: &'a [i32],
}

/// Computes `layer` with `TILE` filters at a time.
///
/// # Panics
/// Panics if a slice is shorter than `layer` says.
pub fn convolution<const TILE: usize>(
    kernels: Kernels,
    layer: &Convolution,
    input: Input<'_>,
    filters: Filters<'_>,
    to: &mut [u8],
    scratch: &mut [u8],
) {
    let scratch = &mut scratch[..layer.scratch_len(Packing::HERE)];
    kernels.run(Convolve::<TILE> { layer, input, filters, to, scratch });
}

struct Convolve<'a, const TILE: usize> {
    layer: &'a Convolution,
    input: Input<'a>,
    filters: Filters<'a>,
    to: &'a mut [u8],
    scratch: &'a mut [u8],
}

impl<const TILE: usize> Task for Convolve<'_, TILE> {
    #[inline(always)]
    fn run<E: Engine>(self, engine: E) {
        let Convolve { layer, input, filters, to, scratch } = self;
        let table = input.activation.map(|activation| engine.table(activation.table));
        let mut ring = Ring::new(layer, input, scratch);
        let (height, width) = (layer.out_height(), layer.out_width());
        let vectors_of_row = width.div_ceil(E::COLUMNS);
        let mut tiles = Tiles::<TILE> { layer, filters, to };
        for first in (0..height).step_by(layer.rows()) {
            let rows = layer.rows().min(height - first);
            ring.fill(engine, table.as_ref(), first + rows);
            let vectors = rows * vectors_of_row;
            let place = |vector: usize| {
                let (row, column) = (vector / vectors_of_row, vector % vectors_of_row);
                [first + row, column * E::COLUMNS]
            };
            let mut at = 0;
            while at + 1 < vectors && E::VECTORS > 1 {
                tiles.compute(engine, &ring, [place(at), place(at + 1)]);
                at += 2;
            }
            while at < vectors {
                tiles.compute(engine, &ring, [place(at)]);
                at += 1;
            }
        }
    }
}

/// The filters and their results.
struct Tiles<'a, const TILE: usize> {
    layer: &'a Convolution,
    filters: Filters<'a>,
    to: &'a mut [u8],
}

/// Returns how many filters of a tile an engine computes together, as equal parts as possible.
const fn part_of(tile: usize, most: usize) -> usize {
    tile.div_ceil(tile.div_ceil(most))
}

impl<const TILE: usize> Tiles<'_, TILE> {
    /// Computes all filters for vectors of columns: `places` are rows and first columns.
    #[inline(always)]
    fn compute<E: Engine, const VECTORS: usize>(
        &mut self,
        engine: E,
        ring: &Ring<'_>,
        places: [[usize; 2]; VECTORS],
    ) {
        let starts = ring.starts(&places);
        let len = self.layer.filter_len(Packing::HERE) * TILE;
        let part = part_of(TILE, E::FILTERS);
        for (tile, weights) in self.filters.weights.chunks_exact(len).enumerate() {
            let taps = ring.taps(weights, &starts);
            let mut first = 0;
            while first < TILE {
                let at = [tile * TILE, first];
                // Only the sizes of parts are compiled: the others are known not to occur.
                macro_rules! part_of_size {
                    ($($size:literal)*) => { match part.min(TILE - first) {
                        $($size if $size == part || $size == TILE % part =>
                            self.part::<E, $size, VECTORS>(engine, &taps, at, &places),)*
                        _ => {}
                    } };
                }
                part_of_size!(1 2 3 4 5 6 7 8 9 10 11 12);
                first += part;
            }
        }
    }

    /// Computes `FILTERS` filters: from the second number of `at` on in the tile that begins with
    /// the filter of the first number.
    #[inline(always)]
    fn part<E: Engine, const FILTERS: usize, const VECTORS: usize>(
        &mut self,
        engine: E,
        taps: &Taps<'_>,
        [tile, first]: [usize; 2],
        places: &[[usize; 2]; VECTORS],
    ) {
        let filter = tile + first;
        let biases = &self.filters.biases[filter..][..FILTERS];
        let multipliers = &self.filters.multipliers[filter..][..FILTERS];
        let biases = biases.first_chunk().expect("there are as many biases as filters");
        let sums = engine.sums::<TILE, FILTERS, VECTORS>(taps, first, biases);
        let (height, width) = (self.layer.out_height(), self.layer.out_width());
        let planes =
            self.to[..self.layer.filters * height * width].chunks_exact_mut(height * width);
        for ((plane, sums), multiplier) in planes.skip(filter).zip(&sums).zip(multipliers) {
            for ([row, column], sums) in places.iter().zip(sums) {
                let count = E::COLUMNS.min(width - column);
                engine.store(*sums, *multiplier, &mut plane[row * width + column..][..count]);
            }
        }
    }
}
