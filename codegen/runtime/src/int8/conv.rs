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
use super::engine::{Engine, FilterConstants, Place, Task};
use super::packing::Packing;
use super::taps::Taps;
use core::ops::Range;
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
        let height = layer.out_height();
        let mut tiles = Tiles::<TILE> { layer, filters, to };
        let at_once = layer.rows(Packing::HERE);
        for first in (0..height).step_by(at_once) {
            let rows = first..height.min(first + at_once);
            ring.fill(engine, table.as_ref(), rows.end);
            if E::HALVES && layer.out_width() <= E::COLUMNS / 2 {
                tiles.compute_halves(engine, &ring, rows);
            } else {
                tiles.compute_rows(engine, &ring, rows);
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

impl<'a, const TILE: usize> Tiles<'a, TILE> {
    /// Computes rows of all filters.
    #[inline(always)]
    fn compute_rows<E: Engine>(&mut self, engine: E, ring: &Ring<'_>, rows: Range<usize>) {
        let of_row = self.layer.out_width().div_ceil(E::COLUMNS);
        let vectors = rows.len() * of_row;
        let place = |vector: usize| [rows.start + vector / of_row, vector % of_row * E::COLUMNS];
        let mut at = 0;
        while at + 3 < vectors && E::VECTORS > 2 {
            let places = [place(at), place(at + 1), place(at + 2), place(at + 3)];
            self.compute::<E, 4, 4>(engine, ring, places);
            at += 4;
        }
        while at + 1 < vectors && E::VECTORS > 1 {
            self.compute::<E, 2, 2>(engine, ring, [place(at), place(at + 1)]);
            at += 2;
        }
        while at < vectors {
            self.compute::<E, 1, 1>(engine, ring, [place(at)]);
            at += 1;
        }
    }

    /// Computes rows of all filters, two in each vector.
    #[inline(always)]
    fn compute_halves<E: Engine>(&mut self, engine: E, ring: &Ring<'_>, rows: Range<usize>) {
        // A half without a row repeats the last one.
        let place = |row: usize| [row.min(rows.end - 1), 0];
        let mut at = rows.start;
        while at + 2 < rows.end {
            let places = [place(at), place(at + 1), place(at + 2), place(at + 3)];
            self.compute::<E, 2, 4>(engine, ring, places);
            at += 4;
        }
        while at < rows.end {
            self.compute::<E, 1, 2>(engine, ring, [place(at), place(at + 1)]);
            at += 2;
        }
    }

    /// Returns the constants besides the weights.
    #[inline(always)]
    fn constants(&self) -> FilterConstants<'a> {
        FilterConstants {
            biases: self.filters.biases,
            multipliers: self.filters.multipliers,
            count: self.layer.filters,
            plane: self.layer.out_height() * self.layer.out_width(),
        }
    }

    /// Computes all filters for vectors of columns. `starts` are the rows and first columns of the
    /// vectors, or of their halves.
    #[inline(always)]
    fn compute<E: Engine, const VECTORS: usize, const PLACES: usize>(
        &mut self,
        engine: E,
        ring: &Ring<'_>,
        starts: [[usize; 2]; PLACES],
    ) {
        let width = self.layer.out_width();
        let columns = E::COLUMNS * VECTORS / PLACES;
        let mut places = [Place::default(); PLACES];
        for (place, [row, column]) in places.iter_mut().zip(&starts) {
            *place = Place { at: row * width + column, count: columns.min(width - column) };
        }
        let starts = ring.starts(&starts);
        if let [place] = places[..] {
            let taps = ring.taps(self.filters.weights, &starts);
            if engine.filters(&taps, self.constants(), place, self.to) {
                return;
            }
        }
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
        places: &[Place],
    ) {
        let filter = tile + first;
        let biases = &self.filters.biases[filter..][..FILTERS];
        let multipliers = &self.filters.multipliers[filter..][..FILTERS];
        let biases = biases.first_chunk().expect("there are as many biases as filters");
        let sums = engine.sums::<TILE, FILTERS, VECTORS>(taps, first, biases);
        let len = self.layer.out_height() * self.layer.out_width();
        let planes = self.to[..self.layer.filters * len].chunks_exact_mut(len);
        for ((plane, sums), multiplier) in planes.skip(filter).zip(&sums).zip(multipliers) {
            engine.store_all(sums, *multiplier, places, plane);
        }
    }
}
