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
        let mut tiles = Tiles { layer, filters, to };
        let at_once = layer.rows(Packing::HERE);
        for first in (0..height).step_by(at_once) {
            let rows = first..height.min(first + at_once);
            let table = table.as_ref();
            engine.run(Fill { engine, ring: &mut ring, table, rows: rows.end });
            if !tiles.compute_by_engine(engine, &ring, &rows, TILE) {
                tiles.compute::<E, TILE>(engine, &ring, &rows);
            }
        }
    }
}

/// The filters and their results.
struct Tiles<'a> {
    layer: &'a Convolution,
    filters: Filters<'a>,
    to: &'a mut [u8],
}

/// Returns how many filters of a tile an engine computes together, as equal parts as possible.
const fn part_of(tile: usize, most: usize) -> usize {
    tile.div_ceil(tile.div_ceil(most))
}

impl<'a> Tiles<'a> {
    /// Computes rows of all filters, if the engine has a way of its own to do so; else returns
    /// `false`.
    #[inline(always)]
    fn compute_by_engine<E: Engine>(
        &mut self,
        engine: E,
        ring: &Ring<'_>,
        rows: &Range<usize>,
        tile: usize,
    ) -> bool {
        let vectors = Vectors::of::<E>(self.layer, rows);
        (0..vectors.count).all(|vector| {
            let [row, column] = vectors.start(vector);
            let at = row * self.layer.out_width() + column;
            let place = Place { at, count: vectors.columns.min(self.layer.out_width() - column) };
            let starts = ring.starts(&[[row, column]]);
            let taps = ring.taps(self.filters.weights, tile, &starts);
            engine.filters(&taps, self.constants(), place, self.to)
        })
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

    /// Computes rows of all filters.
    #[inline(always)]
    fn compute<E: Engine, const TILE: usize>(
        &mut self,
        engine: E,
        ring: &Ring<'_>,
        rows: &Range<usize>,
    ) {
        let layer = self.layer;
        let len = layer.filter_len(Packing::HERE) * TILE;
        let part = part_of(TILE, E::FILTERS);
        let tiles = self.filters.weights.chunks_exact(len).zip((0..).step_by(TILE));
        for (weights, tile_filter) in tiles {
            let mut first = 0;
            while first < TILE {
                // Only the sizes of parts are compiled: the others are known not to occur.
                macro_rules! part_of_size {
                    ($($size:literal)*) => { match part.min(TILE - first) {
                        $($size if $size == part || $size == TILE % part => {
                            let filter = tile_filter + first;
                            let biases = &self.filters.biases[filter..][..$size];
                            let multipliers = &self.filters.multipliers[filter..][..$size];
                            engine.run(Part::<$size> {
                                layer,
                                ring,
                                rows: rows.clone(),
                                weights,
                                tile: TILE,
                                first,
                                filter,
                                biases: biases.first_chunk().expect("all biases"),
                                multipliers: multipliers.first_chunk().expect("all multipliers"),
                                to: &mut *self.to,
                            });
                        })*
                        _ => {}
                    } };
                }
                part_of_size!(1 2 3 4 5 6 7 8 9 10 11 12);
                first += part;
            }
        }
    }
}

/// Lays out what some rows need. A task of its own so that one copy of it serves all tiles; it runs
/// on `engine`.
struct Fill<'a, 'b, E: Engine> {
    engine: E,
    ring: &'a mut Ring<'b>,
    table: Option<&'a E::Table>,
    /// The number of rows of the output that can be computed then.
    rows: usize,
}

impl<I: Engine> Task for Fill<'_, '_, I> {
    #[inline(always)]
    fn run<E: Engine>(self, _: E) {
        self.ring.fill(self.engine, self.table, self.rows);
    }
}

/// Vectors of the output, row by row.
struct Vectors {
    /// The first row.
    row: usize,
    /// Vectors in a row.
    of_row: usize,
    /// Vectors in all rows.
    count: usize,
    /// Columns of a vector.
    columns: usize,
}

impl Vectors {
    #[inline(always)]
    fn of<E: Engine>(layer: &Convolution, rows: &Range<usize>) -> Vectors {
        let of_row = layer.out_width().div_ceil(E::COLUMNS);
        Vectors { row: rows.start, of_row, count: rows.len() * of_row, columns: E::COLUMNS }
    }

    /// Returns the row and the first column of a vector.
    #[inline(always)]
    fn start(&self, vector: usize) -> [usize; 2] {
        [self.row + vector / self.of_row, vector % self.of_row * self.columns]
    }
}

/// Some rows of `FILTERS` filters. A task of its own so that one copy of it serves all tiles.
struct Part<'a, 'b, const FILTERS: usize> {
    layer: &'a Convolution,
    ring: &'a Ring<'b>,
    rows: Range<usize>,
    /// The weights of the tile.
    weights: &'a [i8],
    /// Filters of the tile.
    tile: usize,
    /// The first filter, in the tile.
    first: usize,
    /// The first filter, in the layer.
    filter: usize,
    biases: &'a [i32; FILTERS],
    multipliers: &'a [i32; FILTERS],
    /// The planes of all filters.
    to: &'a mut [u8],
}

impl<const FILTERS: usize> Task for Part<'_, '_, FILTERS> {
    #[inline(always)]
    fn run<E: Engine>(mut self, engine: E) {
        if E::HALVES && self.layer.out_width() <= E::COLUMNS / 2 {
            self.compute_halves(engine);
        } else {
            self.compute_rows(engine);
        }
    }
}

impl<const FILTERS: usize> Part<'_, '_, FILTERS> {
    #[inline(always)]
    fn compute_rows<E: Engine>(&mut self, engine: E) {
        let vectors = Vectors::of::<E>(self.layer, &self.rows);
        let start = |vector| vectors.start(vector);
        let mut at = 0;
        while at + 3 < vectors.count && E::VECTORS > 2 {
            let starts = [start(at), start(at + 1), start(at + 2), start(at + 3)];
            self.compute::<E, 4, 4>(engine, starts);
            at += 4;
        }
        while at + 1 < vectors.count && E::VECTORS > 1 {
            self.compute::<E, 2, 2>(engine, [start(at), start(at + 1)]);
            at += 2;
        }
        while at < vectors.count {
            self.compute::<E, 1, 1>(engine, [start(at)]);
            at += 1;
        }
    }

    /// Computes the rows, two in each vector.
    #[inline(always)]
    fn compute_halves<E: Engine>(&mut self, engine: E) {
        // A half without a row repeats the last one.
        let Range { start: mut at, end } = self.rows;
        let start = |row: usize| [row.min(end - 1), 0];
        while at + 2 < end {
            self.compute::<E, 2, 4>(
                engine,
                [start(at), start(at + 1), start(at + 2), start(at + 3)],
            );
            at += 4;
        }
        while at < end {
            self.compute::<E, 1, 2>(engine, [start(at), start(at + 1)]);
            at += 2;
        }
    }

    /// Computes vectors of columns. `starts` are the rows and first columns of the vectors, or of
    /// their halves.
    #[inline(always)]
    fn compute<E: Engine, const VECTORS: usize, const PLACES: usize>(
        &mut self,
        engine: E,
        starts: [[usize; 2]; PLACES],
    ) {
        let width = self.layer.out_width();
        let columns = E::COLUMNS * VECTORS / PLACES;
        let mut places = [Place::default(); PLACES];
        for (place, [row, column]) in places.iter_mut().zip(&starts) {
            *place = Place { at: row * width + column, count: columns.min(width - column) };
        }
        let starts = self.ring.starts(&starts);
        let taps = self.ring.taps(self.weights, self.tile, &starts);
        let sums = engine.sums::<FILTERS, VECTORS>(&taps, self.first, self.biases);
        let len = self.layer.out_height() * width;
        let planes = self.to[..self.layer.filters * len].chunks_exact_mut(len);
        for ((plane, sums), multiplier) in planes.skip(self.filter).zip(&sums).zip(self.multipliers)
        {
            engine.store_all(sums, *multiplier, &places, plane);
        }
    }
}
