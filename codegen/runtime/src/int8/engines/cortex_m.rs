//! ARM microcontrollers: ARMv7E-M (Cortex-M4, M7), whose DSP extension multiplies two pairs of
//! numbers at a time, and ARMv6-M (Cortex-M0).
//!
//! Two channels of a pixel lie in a word of an activated row, 16 bits each, and so do their weights
//! once they are widened. The taps of convolutions with a loop of their own are assembly
//! (`inner_loop`), which takes the DSP extension.

#[cfg(target_has_atomic = "32")]
mod assembled;
#[cfg(target_has_atomic = "32")]
pub mod inner_loop;
pub mod instructions;
#[cfg(target_has_atomic = "32")]
pub mod loops;
mod sizes;

use super::super::arithmetic::{requantized, table_index};
use super::super::engine::{Affine, Affines, Engine, Group, Task};
#[cfg(target_has_atomic = "32")]
use super::super::engine::{FilterConstants, Place};
use super::super::taps::Taps;
use instructions::{index, sum_of_products, widened};
use sizes::{COLUMNS, FILTERS, WORD};

/// The instructions that every processor has that this is compiled for.
#[derive(Clone, Copy, Debug)]
pub struct CortexM(());

impl CortexM {
    /// The name: `dsp`, or `scalar` without the DSP extension.
    pub const NAME: &str = instructions::NAME;

    /// Returns `Some`.
    pub fn detect() -> Option<CortexM> {
        Some(CortexM(()))
    }
}

impl Engine for CortexM {
    type Table = [u8; 256];
    type Sums = [i32; COLUMNS];
    const COLUMNS: usize = COLUMNS;
    const VECTORS: usize = 1;
    const FILTERS: usize = FILTERS;

    // There is one caller of each task.
    #[inline(always)]
    fn run<T: Task>(self, task: T) {
        task.run(self);
    }

    #[inline(always)]
    fn table(self, table: &[u8; 256]) -> [u8; 256] {
        *table
    }

    fn map(self, table: &[u8; 256], affine: Affine, from: [&[u8]; 2], flip: u8, to: &mut [u8]) {
        let [from, others] = from;
        if others.is_empty() {
            let line = Line::of(affine);
            for (from, to) in from.iter().zip(to) {
                *to = line.activated(table, *from) ^ flip;
            }
        } else {
            let Affine { factors: [first, second], offset, shift } = affine;
            for ((from, other), to) in from.iter().zip(others).zip(to) {
                let terms = [(*from, first), (*other, second)];
                *to = table[table_index(&terms, offset, shift)] ^ flip;
            }
        }
    }

    fn sum(self, table: &[u8; 256], affine: Affine, from: &[u8]) -> u32 {
        let line = Line::of(affine);
        from.iter().map(|from| u32::from(line.activated(table, *from))).sum()
    }

    fn lay(
        self,
        table: &[u8; 256],
        affines: &Affines,
        group: &Group<'_>,
        _padding: [u8; 4],
        to: &mut [u8],
    ) {
        lay_pair(table, Line::of_pair(affines), [group.row(0), second_row(group)], to);
    }

    fn lay_pooled(self, table: &[u8; 256], affines: &Affines, group: &Group<'_>, to: &mut [u8]) {
        for lane in 0..group.channels {
            let line = Line::of(affines.of(lane));
            let rows = group.row(lane).chunks_exact(2).zip(group.next_row(lane).chunks_exact(2));
            for ((above, below), to) in rows.zip(to.chunks_exact_mut(WORD)) {
                let sum: u32 = [above[0], above[1], below[0], below[1]]
                    .iter()
                    .map(|from| u32::from(line.activated(table, *from)))
                    .sum();
                let mean = (sum + 2) >> 2;
                let lane = lane * 2;
                to[lane..lane + 2].copy_from_slice(&(mean as u16).to_le_bytes());
            }
        }
    }

    fn lay_plain(self, group: &Group<'_>, mask: u8, _padding: [u8; 4], to: &mut [u8]) {
        let words = to.chunks_exact_mut(WORD);
        for ((from, other), to) in group.row(0).iter().zip(second_row(group)).zip(words) {
            put(to, from ^ mask, other ^ mask);
        }
    }

    #[cfg(target_has_atomic = "32")]
    #[inline(always)]
    fn filters(
        self,
        taps: &Taps<'_>,
        filters: FilterConstants<'_>,
        place: Place,
        planes: &mut [u8],
    ) -> bool {
        let inner_loop = loops::find(taps.kernel, taps.phases, taps.line);
        if let Some(inner_loop) = inner_loop {
            assembled::filters(inner_loop, taps, filters, place, planes);
        }
        inner_loop.is_some()
    }

    #[inline(always)]
    fn sums<const FILTERS: usize, const VECTORS: usize>(
        self,
        taps: &Taps<'_>,
        _first: usize,
        biases: &[i32; FILTERS],
    ) -> [[[i32; COLUMNS]; VECTORS]; FILTERS] {
        let mut sums = [[[0; COLUMNS]; VECTORS]; FILTERS];
        by_single_taps(taps, biases, sums.as_flattened_mut());
        sums
    }

    #[inline(always)]
    fn store(self, sums: [i32; COLUMNS], multiplier: i32, to: &mut [u8]) {
        let bytes = sums.map(|sum| requantized(sum, multiplier));
        match to.first_chunk_mut() {
            Some(to) => *to = bytes,
            None => to.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte),
        }
    }
}

/// The linear function of a channel, with factors that put the index at bit 15 for every shift.
#[derive(Clone, Copy)]
struct Line {
    factor: i32,
    offset: i32,
}

impl Line {
    /// Floors of floors are one floor: `(((x * a) >> 8) + b) >> n` is
    /// `((x * a) * 2^(7 - n) + b * 2^(15 - n)) >> 15`, whose terms need 31 bits.
    #[inline(always)]
    fn of(affine: Affine) -> Line {
        let Affine { factors: [factor, _], offset, shift } = affine;
        Line { factor: i32::from(factor) << (7 - shift), offset: i32::from(offset) << (15 - shift) }
    }

    #[inline(always)]
    fn of_pair(affines: &Affines) -> [Line; 2] {
        [Line::of(affines.of(0)), Line::of(affines.of(1))]
    }

    /// Returns what a table makes of a value.
    #[inline(always)]
    fn activated(self, table: &[u8; 256], value: u8) -> u8 {
        let position = i32::from(value as i8) * self.factor + self.offset;
        table[index(position)]
    }
}

/// Activates the rows of two channels. A function of its own, whose loop finds enough registers.
#[inline(never)]
fn lay_pair(table: &[u8; 256], [first, second]: [Line; 2], rows: [&[u8]; 2], to: &mut [u8]) {
    let [from, others] = rows;
    for ((from, other), to) in from.iter().zip(others).zip(to.chunks_exact_mut(WORD)) {
        put(to, first.activated(table, *from), second.activated(table, *other));
    }
}

/// Returns the row of a group's second channel; if there is none, another one, which has weights
/// of 0.
#[inline(always)]
fn second_row<'a>(group: &Group<'a>) -> &'a [u8] {
    group.row(group.channels.min(2) - 1)
}

/// Writes the bytes of two channels.
#[inline(always)]
fn put(to: &mut [u8], first: u8, second: u8) {
    let word = u32::from(first) | u32::from(second) << 16;
    to.copy_from_slice(&word.to_le_bytes());
}

/// Computes sums tap by tap, for any kernel, stride and width.
#[inline(never)]
fn by_single_taps(taps: &Taps<'_>, biases: &[i32], sums: &mut [[i32; COLUMNS]]) {
    for (sums, bias) in sums.iter_mut().zip(biases) {
        *sums = [*bias; COLUMNS];
    }
    let [first, second] = sums else { return };
    let mut weights = taps.weights;
    for row in 0..taps.kernel {
        for group in 0..taps.groups {
            let line = taps.row(0, row) + group * taps.line;
            for phase in 0..taps.phases.min(taps.kernel) {
                let mut tap = phase;
                let mut from = line + phase * taps.phase_bytes;
                while tap < taps.kernel {
                    add(taps.ring, from, &weights[..WORD], first, second);
                    weights = &weights[WORD..];
                    (tap, from) = (tap + taps.phases, from + WORD);
                }
            }
        }
    }
}

/// Adds the products of the words from a place on and the weights of two filters.
#[inline(always)]
fn add(
    ring: &[u8],
    from: usize,
    weights: &[i8],
    first: &mut [i32; COLUMNS],
    second: &mut [i32; COLUMNS],
) {
    let weights = word([0, 1, 2, 3].map(|at| weights[at] as u8));
    let [even, odd] = [widened(weights), widened(weights.rotate_right(8))];
    let words = ring[from..][..COLUMNS * WORD].chunks_exact(WORD);
    for ((first, second), pixel) in first.iter_mut().zip(second).zip(words) {
        let pixel = word([0, 1, 2, 3].map(|at| pixel[at]));
        *first = sum_of_products(pixel, even, *first);
        *second = sum_of_products(pixel, odd, *second);
    }
}

/// Returns four bytes as a word.
#[inline(always)]
fn word(bytes: [u8; WORD]) -> u32 {
    u32::from_le_bytes(bytes)
}
