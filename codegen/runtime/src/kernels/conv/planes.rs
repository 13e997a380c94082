//! The padded planes of a chunk of channels and a band of rows, from an input that is normalised
//! and activated on the way.

use super::super::norm::{Norm, Rows, copy_row};
use super::super::simd::{Simd, Task};
use super::geometry::Convolution;
use core::ops::Range;

/// The input of a convolution.
pub(super) struct Input<'a> {
    pub(super) layer: &'a Convolution,
    pub(super) norm: Option<Norm<'a>>,
    pub(super) from: &'a [f32],
}

/// The padded rows of a band: some above the image, some in it, some below it.
struct BandRows {
    above: usize,
    inside: Range<usize>,
    count: usize,
}

impl BandRows {
    #[inline(always)]
    fn of(layer: &Convolution, band: &Range<usize>) -> BandRows {
        let (padding, start) = (layer.kernel / 2, band.start * layer.stride);
        let count = layer.rows_of(band.len());
        let inside = start.saturating_sub(padding)..(start + count - padding).min(layer.height);
        BandRows { above: padding.saturating_sub(start), inside, count }
    }

    /// Zeroes the rows of a plane that are not in the image.
    #[inline(always)]
    fn clear_others(&self, plane: &mut [f32], pitch: usize) {
        plane[..self.above * pitch].fill(0.0);
        plane[(self.above + self.inside.len()) * pitch..self.count * pitch].fill(0.0);
    }
}

impl Input<'_> {
    /// Prepares the scratch memory for all chunks and bands: zeroes the padding beside rows.
    #[inline(always)]
    pub(super) fn clear_padding(&self, planes: &mut [f32]) {
        let layer = self.layer;
        if layer.is_flat() {
            let line = planes.len() - layer.line_len();
            planes[line..].fill(0.0);
            return;
        }
        let (padding, pitch) = (layer.kernel / 2, layer.pitch());
        for column in (0..padding).chain(padding + layer.width..pitch) {
            let column = column % layer.stride * layer.phase_len() + column / layer.stride;
            let rows = planes[..layer.chunk * layer.plane_len()].chunks_exact_mut(pitch);
            rows.for_each(|row| row[column] = 0.0);
        }
    }
}

/// A function that normalises and activates rows.
pub(super) type Map<S> = fn(S, Rows<'_>);

/// Writes some channels of the input to the scratch memory, normalised and activated, for a band of
/// output rows. It is a task of its own so that one copy of it serves all activations and tiles.
pub(super) struct LayOut<'a, S> {
    pub(super) input: &'a Input<'a>,
    /// Normalises and activates rows with the instruction set `simd`, the one that the task runs on.
    pub(super) map: Map<S>,
    pub(super) simd: S,
    pub(super) channels: Range<usize>,
    pub(super) band: Range<usize>,
    pub(super) planes: &'a mut [f32],
}

impl<I: Simd> Task for LayOut<'_, I> {
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let LayOut { input, map, simd, channels, band, planes } = self;
        let Input { layer, norm, from, .. } = *input;
        let rows = BandRows::of(layer, &band);
        let (planes, line) = planes.split_at_mut(planes.len() - layer.line_len());
        for (channel, plane) in channels.zip(planes.chunks_exact_mut(layer.plane_len())) {
            let from = &from[channel * layer.height * layer.width..];
            let from = &from[rows.inside.start * layer.width..rows.inside.end * layer.width];
            let channel = Channel { layer, rows: &rows, norm: Norm::of(norm, channel), from };
            match (layer.stride, layer.is_flat()) {
                (1, false) => padded(simd, map, &channel, plane),
                (1, true) => shifted(simd, map, &channel, plane),
                (_, _) => strided(simd, map, &channel, plane, line),
            }
        }
    }
}

/// A channel of the input, as far as a band reads it.
struct Channel<'a> {
    layer: &'a Convolution,
    rows: &'a BandRows,
    /// Scale and shift.
    norm: (f32, f32),
    /// The rows that are in the image.
    from: &'a [f32],
}

/// Writes a plane of stride 1 whose rows have padding.
#[inline(always)]
fn padded<S: Simd>(simd: S, map: Map<S>, channel: &Channel<'_>, plane: &mut [f32]) {
    let Channel { layer, rows, norm, from } = *channel;
    let (padding, pitch) = (layer.kernel / 2, layer.pitch());
    rows.clear_others(plane, pitch);
    let to = &mut plane[rows.above * pitch + padding..];
    map(simd, Rows::new(norm, from, layer.width, to, pitch));
}

/// Writes a flat plane of stride 1: a copy without padding for the kernel's middle column, and
/// copies of that, each moved by some columns, for the others.
#[inline(always)]
fn shifted<S: Simd>(simd: S, map: Map<S>, channel: &Channel<'_>, plane: &mut [f32]) {
    let Channel { layer, rows, norm, from } = *channel;
    let (width, middle, copy_len) = (layer.width, layer.kernel / 2, layer.copy_len());
    let (before, rest) = plane.split_at_mut(middle * copy_len);
    let (copy, after) = rest.split_at_mut(copy_len);
    let copy = &mut copy[..rows.count * width];
    rows.clear_others(copy, width);
    map(simd, Rows::one(norm, from, &mut copy[rows.above * width..]));
    for (column, to) in before.chunks_exact_mut(copy_len).enumerate() {
        let (to, by) = (&mut to[..copy.len()], (middle - column).min(width));
        to[by..].copy_from_slice(&copy[..copy.len() - by]);
        (0..by).for_each(|edge| clear_column(to, width, edge));
    }
    for (column, to) in after.chunks_exact_mut(copy_len).enumerate() {
        let (to, by) = (&mut to[..copy.len()], (column + 1).min(width));
        to[..copy.len() - by].copy_from_slice(&copy[by..]);
        (width - by..width).for_each(|edge| clear_column(to, width, edge));
    }
}

#[inline(always)]
fn clear_column(rows: &mut [f32], width: usize, column: usize) {
    rows.chunks_exact_mut(width).for_each(|row| row[column] = 0.0);
}

/// Writes a plane of a stride over 1 row by row: phase by phase, and from there, if the plane is
/// flat, into one copy for each column of the kernel. `line` has room for a row, and for a padded
/// one if the plane is flat.
#[inline(always)]
fn strided<S: Simd>(
    simd: S,
    map: Map<S>,
    channel: &Channel<'_>,
    plane: &mut [f32],
    line: &mut [f32],
) {
    let Channel { layer, rows, norm, from } = *channel;
    let Convolution { width, kernel, stride, .. } = *layer;
    let pitch = layer.pitch();
    let (values, line) = line.split_at_mut(width);
    if !layer.is_flat() {
        rows.clear_others(plane, pitch);
    }
    // Rows between those that the kernel covers are not needed.
    for row in (0..rows.count).filter(|row| row % stride < kernel) {
        let inside = row.wrapping_sub(rows.above);
        let is_inside = inside < rows.inside.len();
        if is_inside {
            let from = &from[inside * width..][..width];
            map(simd, Rows::one(norm, from, &mut *values));
            let to = if layer.is_flat() { &mut *line } else { &mut plane[row * pitch..][..pitch] };
            deal_out(simd, values, to, layer);
        }
        if layer.is_flat() {
            copy_columns(simd, layer, row, is_inside.then_some(&*line), plane);
        }
    }
}

/// Copies a padded row, or zeros, into the copies of a flat plane.
#[inline(always)]
fn copy_columns<S: Simd>(
    simd: S,
    layer: &Convolution,
    row: usize,
    from: Option<&[f32]>,
    plane: &mut [f32],
) {
    let Convolution { kernel, stride, .. } = *layer;
    let (out_width, copy_len) = (layer.out_width(), layer.copy_len());
    let place = row % stride * copy_len + row / stride * out_width;
    for column in 0..kernel {
        let to = &mut plane[column * stride * copy_len + place..][..out_width];
        if let Some(from) = from {
            let phase = column % stride * layer.phase_len() + column / stride;
            copy_row(simd, &from[phase..][..out_width], to);
        } else {
            to.fill(0.0);
        }
    }
}

/// Writes a row phase by phase, with its padding.
#[inline(always)]
fn deal_out<S: Simd>(simd: S, values: &[f32], to: &mut [f32], layer: &Convolution) {
    let (padding, stride, phase_len) = (layer.kernel / 2, layer.stride, layer.phase_len());
    if stride == 2 {
        let (first, second) = to.split_at_mut(phase_len);
        let (even, odd) = if padding % 2 == 0 {
            (&mut first[padding / 2..], &mut second[padding / 2..])
        } else {
            (&mut second[padding / 2..], &mut first[padding / 2 + 1..])
        };
        return deal(simd, values, even, odd);
    }
    for (column, value) in (padding..).zip(values) {
        to[column % stride * phase_len + column / stride] = *value;
    }
}

/// Deals values out to two slices.
#[inline(always)]
fn deal<S: Simd>(simd: S, values: &[f32], even: &mut [f32], odd: &mut [f32]) {
    let pairs = values.chunks_exact(2 * S::LANES);
    let rest = pairs.remainder();
    for (index, pair) in pairs.enumerate() {
        let [first, second] = simd.deal(simd.load(pair), simd.load(&pair[S::LANES..]));
        simd.store(first, &mut even[index * S::LANES..]);
        simd.store(second, &mut odd[index * S::LANES..]);
    }
    let (at, half) = ((values.len() - rest.len()) / 2, S::LANES.min(rest.len()));
    let [first, second] = simd.deal(simd.load_part(&rest[..half]), simd.load_part(&rest[half..]));
    simd.store_part(first, &mut even[at..at + rest.len().div_ceil(2)]);
    simd.store_part(second, &mut odd[at..at + rest.len() / 2]);
}
