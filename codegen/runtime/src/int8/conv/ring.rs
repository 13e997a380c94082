//! The ring of activated rows.

use super::super::activation::Activation;
use super::super::arithmetic::{square_mean, table_index};
use super::super::engine::{Engine, Group};
use super::super::packing::Packing;
use super::super::taps::Taps;
use super::geometry::{Convolution, GROUP_BYTES};

/// What a convolution reads.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The bytes.
    pub from: &'a [u8],
    /// Their batch normalisation and activation, before a pooling.
    pub activation: Option<Activation<'a>>,
    /// What makes a byte of an activated row of an input byte (exclusive or) if there is no
    /// activation.
    pub mask: u8,
    /// The byte around the image for each channel, as in activated rows; one for all channels if
    /// there is only one.
    pub padding: &'a [u8],
}

/// The last rows of the input, activated and padded.
pub(super) struct Ring<'a> {
    layer: &'a Convolution,
    sizes: Sizes,
    input: Input<'a>,
    /// The rows.
    rows: &'a mut [u8],
    /// A row whose columns are not in order of phases yet; not used if there is one phase.
    plain: &'a mut [u8],
    /// Rows of the padded input that have been laid out.
    filled: usize,
}

/// The sizes of a ring, which are computed once.
#[derive(Clone, Copy)]
struct Sizes {
    groups: usize,
    phase_bytes: usize,
    line: usize,
    slot: usize,
    slots: usize,
}

impl<'a> Ring<'a> {
    /// Returns a ring whose rows are padding.
    #[inline(always)]
    pub(super) fn new(layer: &'a Convolution, input: Input<'a>, memory: &'a mut [u8]) -> Ring<'a> {
        // The slack after the rows serves them: it is part of them if no plain row follows.
        let packing = Packing::HERE;
        let sizes = Sizes {
            groups: packing.groups(layer.channels),
            phase_bytes: layer.phase_len(packing) * GROUP_BYTES,
            line: layer.pitch(packing) * GROUP_BYTES,
            slot: layer.slot_len(packing),
            slots: layer.slots(packing),
        };
        let (rows, plain) = memory.split_at_mut(sizes.slots * sizes.slot + layer.slack());
        let mut ring = Ring { layer, sizes, input, rows, plain, filled: 0 };
        (0..sizes.slots).for_each(|slot| ring.clear(slot));
        ring
    }

    /// Returns for each vector or half of one, whose row and first column are in `places`, the row
    /// of the ring with its first tap and the offset of its first column in bytes.
    #[inline(always)]
    pub(super) fn starts<const PLACES: usize>(
        &self,
        places: &[[usize; 2]; PLACES],
    ) -> [[usize; 2]; PLACES] {
        let mut starts = [[0; 2]; PLACES];
        for (start, [row, column]) in starts.iter_mut().zip(places) {
            *start = [row * self.layer.stride % self.sizes.slots, column * GROUP_BYTES];
        }
        starts
    }

    /// Returns what the sums of a tile of so many filters with these weights are made of.
    #[inline(always)]
    pub(super) fn taps<'b>(
        &'b self,
        weights: &'b [i8],
        tile: usize,
        starts: &'b [[usize; 2]],
    ) -> Taps<'b> {
        let Convolution { kernel, stride, .. } = *self.layer;
        let Sizes { groups, phase_bytes, line, slot, slots } = self.sizes;
        let ring = &*self.rows;
        Taps {
            weights,
            tile,
            ring,
            groups,
            kernel,
            phases: stride,
            phase_bytes,
            line,
            slot,
            slots,
            starts,
        }
    }

    /// Lays out the rows that the first `rows` rows of the output need.
    #[inline(always)]
    pub(super) fn fill<E: Engine>(&mut self, engine: E, table: Option<&E::Table>, rows: usize) {
        let Convolution { kernel, stride, .. } = *self.layer;
        let height = self.layer.height / self.layer.pool;
        while self.filled < (rows - 1) * stride + kernel {
            let slot = self.filled % self.sizes.slots;
            match self.filled.checked_sub(kernel / 2) {
                Some(row) if row < height => self.lay_row(engine, table, row, slot),
                Some(_) | None => self.clear(slot),
            }
            self.filled += 1;
        }
    }

    /// Fills a row with padding.
    #[inline(always)]
    fn clear(&mut self, slot: usize) {
        let Sizes { line, slot: len, .. } = self.sizes;
        for (group, to) in self.rows[slot * len..][..len].chunks_exact_mut(line).enumerate() {
            let padding = padding(self.input.padding, group);
            // Nearly always the same byte, which is much faster.
            if padding == [padding[0]; GROUP_BYTES] {
                to.fill(padding[0]);
            } else {
                to.chunks_exact_mut(GROUP_BYTES).for_each(|to| to.copy_from_slice(&padding));
            }
        }
    }

    #[inline(always)]
    fn lay_row<E: Engine>(&mut self, engine: E, table: Option<&E::Table>, row: usize, slot: usize) {
        let (packing, layer, input) = (Packing::HERE, self.layer, self.input);
        let Convolution { channels, height, width, pool, kernel, stride, .. } = *layer;
        let Sizes { line, slot: len, .. } = self.sizes;
        let lines = self.rows[slot * len..][..len].chunks_exact_mut(line);
        let plane = height * width;
        let mut from = &input.from[row * pool * width..];
        let common = padding(input.padding, 0);
        for (index, line) in lines.enumerate() {
            let first = index * packing.group;
            let channels = channels.saturating_sub(first).min(packing.group);
            let group = Group { from, plane, width, channels };
            from = from.get(packing.group * plane..).unwrap_or(&[]);
            let padding = match input.padding {
                [_] => common,
                each => padding(each, index),
            };
            let to = if stride == 1 {
                &mut line[kernel / 2 * GROUP_BYTES..]
            } else {
                &mut self.plain[..]
            };
            match (table, input.activation) {
                (Some(table), Some(activation)) if pool == 1 => {
                    engine.lay(table, &activation.affines(first), &group, padding, to);
                }
                (Some(table), Some(activation)) if pool == 2 => {
                    engine.lay_pooled(table, &activation.affines(first), &group, to);
                }
                (None, None) if pool == 1 => engine.lay_plain(&group, input.mask, padding, to),
                (_, activation) => lay_averages(&group, pool, activation, first, input.mask, to),
            }
            if stride > 1 {
                put_in_phases(layer, self.plain, line);
            }
        }
    }
}

/// Returns the padding of a group.
#[inline(always)]
fn padding(of_channels: &[u8], group: usize) -> [u8; 4] {
    let packing = Packing::HERE;
    let mut padding = [0; 4];
    for lane in 0..packing.group {
        padding[lane * packing.bytes] = match of_channels {
            [one] => *one,
            each => each.get(group * packing.group + lane).copied().unwrap_or(0),
        };
    }
    padding
}

/// Moves the columns of an input's row to their places in a row of the ring, phase by phase.
#[inline(always)]
fn put_in_phases(layer: &Convolution, plain: &[u8], line: &mut [u8]) {
    let phase_len = layer.phase_len(Packing::HERE);
    let columns = layer.width / layer.pool;
    for (column, from) in plain.chunks_exact(GROUP_BYTES).take(columns).enumerate() {
        let (phase, place) = {
            let padded = column + layer.kernel / 2;
            (padded % layer.stride, padded / layer.stride)
        };
        if phase < layer.kernel && place < phase_len {
            let at = (phase * phase_len + place) * GROUP_BYTES;
            line[at..at + GROUP_BYTES].copy_from_slice(from);
        }
    }
}

/// Writes the averages of squares of `pool` by `pool` bytes of an activated row.
fn lay_averages(
    group: &Group<'_>,
    pool: usize,
    activation: Option<Activation<'_>>,
    first: usize,
    mask: u8,
    to: &mut [u8],
) {
    let packing = Packing::HERE;
    for lane in 0..group.channels {
        let activated = |byte: u8| match activation {
            Some(activation) => {
                let affine = activation.affine(first + lane);
                let index = table_index(&[(byte, affine.factors[0])], affine.offset, affine.shift);
                activation.table[index]
            }
            None => byte ^ mask,
        };
        // Averages are those of signed bytes.
        let signed = packing.flip ^ 0x80;
        let channel = &group.from[lane * group.plane..];
        for (column, to) in to.chunks_exact_mut(GROUP_BYTES).take(group.width / pool).enumerate() {
            let rows = (0..pool).map(|row| &channel[row * group.width + column * pool..][..pool]);
            let sum = rows.flatten().map(|byte| i32::from((activated(*byte) ^ signed) as i8)).sum();
            to[lane * packing.bytes] = square_mean(sum, pool) ^ signed;
            to[lane * packing.bytes + 1..(lane + 1) * packing.bytes].fill(0);
        }
    }
}
