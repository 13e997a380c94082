//! No vector instructions.

use super::super::arithmetic::{requantized, table_index};
use super::super::engine::{Affine, Affines, Engine, Group};
use super::super::packing::Packing;
use super::super::taps::Taps;

/// No vector instructions, which every processor has.
#[derive(Clone, Copy, Debug)]
pub struct Scalar(());

impl Scalar {
    /// The engine's name.
    pub const NAME: &str = "scalar";

    /// Returns `Some`.
    pub fn detect() -> Option<Scalar> {
        Some(Scalar(()))
    }
}

/// Number of neighbouring columns whose sums are computed together.
const COLUMNS: usize = 8;

impl Engine for Scalar {
    type Table = [u8; 256];
    type Sums = [i32; COLUMNS];
    const COLUMNS: usize = COLUMNS;
    const VECTORS: usize = 1;
    const FILTERS: usize = 4;

    fn table(self, table: &[u8; 256]) -> [u8; 256] {
        *table
    }

    fn map(self, table: &[u8; 256], affine: Affine, from: [&[u8]; 2], flip: u8, to: &mut [u8]) {
        let Affine { factors: [first, second], offset, shift } = affine;
        for (index, to) in to.iter_mut().enumerate() {
            let other = from[1].get(index).copied().unwrap_or(0);
            let terms = [(from[0][index], first), (other, second)];
            *to = table[table_index(&terms, offset, shift)] ^ flip;
        }
    }

    fn sum(self, table: &[u8; 256], affine: Affine, from: &[u8]) -> u32 {
        let byte = |from: &u8| activated(table, affine, *from) ^ Packing::HERE.flip;
        from.iter().map(|from| u32::from(byte(from))).sum()
    }

    fn lay(
        self,
        table: &[u8; 256],
        affines: &Affines,
        group: &Group<'_>,
        _padding: [u8; 4],
        to: &mut [u8],
    ) {
        for lane in 0..group.channels {
            let affine = affines.of(lane);
            for (from, to) in group.row(lane).iter().zip(to.chunks_exact_mut(4)) {
                put(to, lane, activated(table, affine, *from));
            }
        }
    }

    fn lay_pooled(self, table: &[u8; 256], affines: &Affines, group: &Group<'_>, to: &mut [u8]) {
        // Bytes that are signed are averaged as such.
        let byte = |from: u8, affine| match Packing::HERE.flip {
            0 => i32::from(activated(table, affine, from)),
            _ => i32::from(activated(table, affine, from) as i8),
        };
        for lane in 0..group.channels {
            let affine = affines.of(lane);
            let rows = group.row(lane).chunks_exact(2).zip(group.next_row(lane).chunks_exact(2));
            for ((above, below), to) in rows.zip(to.chunks_exact_mut(4)) {
                let values = [above[0], above[1], below[0], below[1]];
                let sum: i32 = values.iter().map(|from| byte(*from, affine)).sum();
                put(to, lane, ((sum + 2) >> 2) as u8);
            }
        }
    }

    fn lay_plain(self, group: &Group<'_>, mask: u8, _padding: [u8; 4], to: &mut [u8]) {
        for lane in 0..group.channels {
            for (from, to) in group.row(lane).iter().zip(to.chunks_exact_mut(4)) {
                put(to, lane, from ^ mask);
            }
        }
    }

    fn sums<const FILTERS: usize, const VECTORS: usize>(
        self,
        taps: &Taps<'_>,
        first: usize,
        biases: &[i32; FILTERS],
    ) -> [[[i32; COLUMNS]; VECTORS]; FILTERS] {
        let mut sums = [[[0; COLUMNS]; VECTORS]; FILTERS];
        for (sums, bias) in sums.iter_mut().zip(biases) {
            *sums = [[*bias; COLUMNS]; VECTORS];
        }
        let packing = Packing::HERE;
        let mut blocks = taps.weights.chunks_exact(taps.tile * packing.group);
        for row in 0..taps.kernel {
            for group in 0..taps.groups {
                for column in taps.columns() {
                    let weights = blocks.next().expect("as many weights as taps");
                    for vector in 0..VECTORS {
                        let at = taps.row(vector, row) + group * taps.line + column;
                        for (filter, sums) in sums.iter_mut().enumerate() {
                            let weight = |lane| weights[within(taps.tile, first + filter, lane)];
                            add(&mut sums[vector], &taps.ring[at..], weight);
                        }
                    }
                }
            }
        }
        sums
    }

    fn store(self, sums: [i32; COLUMNS], multiplier: i32, to: &mut [u8]) {
        for (to, sum) in to.iter_mut().zip(sums) {
            *to = requantized(sum, multiplier);
        }
    }
}

/// Adds the products of a group's bytes for some columns and its weights.
#[inline(always)]
fn add(sums: &mut [i32; COLUMNS], from: &[u8], weight: impl Fn(usize) -> i8) {
    let packing = Packing::HERE;
    for lane in 0..packing.group {
        let weight = i32::from(weight(lane));
        for (sum, group) in sums.iter_mut().zip(from.chunks_exact(4)) {
            let byte = group[lane * packing.bytes];
            let byte = if packing.flip == 0 { i32::from(byte) } else { i32::from(byte as i8) };
            *sum += byte * weight;
        }
    }
}

/// Returns the place of a weight among those of a group for one tap.
#[inline(always)]
fn within(tile: usize, filter: usize, lane: usize) -> usize {
    let packing = Packing::HERE;
    if packing.filters_alternate { lane * tile + filter } else { filter * packing.group + lane }
}

/// Returns what a table makes of a value.
#[inline(always)]
fn activated(table: &[u8; 256], affine: Affine, from: u8) -> u8 {
    table[table_index(&[(from, affine.factors[0])], affine.offset, affine.shift)]
}

/// Writes the byte of a channel to a group.
#[inline(always)]
fn put(group: &mut [u8], lane: usize, byte: u8) {
    let bytes = Packing::HERE.bytes;
    group[lane * bytes] = byte;
    group[lane * bytes + 1..(lane + 1) * bytes].fill(0);
}
