//! The padded planes of a chunk of channels and a band of rows, from an input that is normalised
//! and activated on the way.

use super::super::activation::{Activation, Identity};
use super::super::norm::{Norm, map_row};
use super::super::simd::Simd;
use super::geometry::Convolution;
use core::marker::PhantomData;
use core::ops::Range;

/// The input of a convolution.
pub(super) struct Input<'a, F> {
    pub(super) layer: &'a Convolution,
    pub(super) norm: Option<Norm<'a>>,
    pub(super) from: &'a [f32],
    pub(super) activation: PhantomData<F>,
}

/// The padded rows of a band: some above the image, some in it, some below it.
struct Rows {
    above: usize,
    inside: Range<usize>,
    count: usize,
}

impl Rows {
    #[inline(always)]
    fn of(layer: &Convolution, band: &Range<usize>) -> Rows {
        let (padding, start) = (layer.kernel / 2, band.start * layer.stride);
        let count = layer.rows_of(band.len());
        let inside = start.saturating_sub(padding)..(start + count - padding).min(layer.height);
        Rows { above: padding.saturating_sub(start), inside, count }
    }

    /// Zeroes the rows of a plane that are not in the image.
    #[inline(always)]
    fn clear_others(&self, plane: &mut [f32], pitch: usize) {
        plane[..self.above * pitch].fill(0.0);
        plane[(self.above + self.inside.len()) * pitch..self.count * pitch].fill(0.0);
    }
}

impl<F: Activation> Input<'_, F> {
    /// Prepares the scratch memory for all chunks and bands: zeroes the padding beside rows.
    #[inline(always)]
    pub(super) fn clear_padding(&self, planes: &mut [f32]) {
        let layer = self.layer;
        if layer.flat {
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

    /// Writes some channels to the scratch memory, normalised and activated, for a band of output
    /// rows.
    #[inline(always)]
    pub(super) fn lay_out<S: Simd>(
        &self,
        simd: S,
        channels: Range<usize>,
        band: &Range<usize>,
        planes: &mut [f32],
    ) {
        let layer = self.layer;
        let rows = Rows::of(layer, band);
        let (planes, line) = planes.split_at_mut(planes.len() - layer.line_len());
        for (channel, plane) in channels.zip(planes.chunks_exact_mut(layer.plane_len())) {
            let norm = Norm::of(self.norm, channel);
            let from = &self.from[channel * layer.height * layer.width..];
            let from = &from[rows.inside.start * layer.width..rows.inside.end * layer.width];
            match (layer.flat, layer.stride) {
                (false, _) => padded::<F, S>(simd, layer, &rows, norm, from, plane, line),
                (true, 1) => shifted::<F, S>(simd, layer, &rows, norm, from, plane),
                (true, _) => strided::<F, S>(simd, layer, &rows, norm, from, plane, line),
            }
        }
    }
}

/// Writes a plane whose rows have padding.
#[inline(always)]
fn padded<F: Activation, S: Simd>(
    simd: S,
    layer: &Convolution,
    rows: &Rows,
    norm: (f32, f32),
    from: &[f32],
    plane: &mut [f32],
    line: &mut [f32],
) {
    let Convolution { width, kernel, stride, .. } = *layer;
    let (padding, pitch) = (kernel / 2, layer.pitch());
    rows.clear_others(plane, pitch);
    let to = plane[rows.above * pitch..].chunks_exact_mut(pitch);
    for (row, (from, to)) in (rows.above..).zip(from.chunks_exact(width).zip(to)) {
        if stride == 1 {
            map_row::<F, S>(simd, norm, from, &mut to[padding..padding + width]);
        } else if row % stride < kernel {
            map_to_phases::<F, S>(simd, norm, from, line, to, layer);
        }
    }
}

/// Writes a flat plane of stride 1: a copy without padding for the kernel's middle column, and
/// copies of that, each moved by some columns, for the others.
#[inline(always)]
fn shifted<F: Activation, S: Simd>(
    simd: S,
    layer: &Convolution,
    rows: &Rows,
    norm: (f32, f32),
    from: &[f32],
    plane: &mut [f32],
) {
    let (width, middle, copy_len) = (layer.width, layer.kernel / 2, layer.copy_len());
    let (before, rest) = plane.split_at_mut(middle * copy_len);
    let (copy, after) = rest.split_at_mut(copy_len);
    let copy = &mut copy[..rows.count * width];
    rows.clear_others(copy, width);
    map_row::<F, S>(simd, norm, from, &mut copy[rows.above * width..]);
    let same = (1.0, 0.0);
    for (column, to) in before.chunks_exact_mut(copy_len).enumerate() {
        let (to, by) = (&mut to[..copy.len()], (middle - column).min(width));
        map_row::<Identity, S>(simd, same, &copy[..copy.len() - by], &mut to[by..]);
        (0..by).for_each(|edge| clear_column(to, width, edge));
    }
    for (column, to) in after.chunks_exact_mut(copy_len).enumerate() {
        let (to, by) = (&mut to[..copy.len()], (column + 1).min(width));
        map_row::<Identity, S>(simd, same, &copy[by..], to);
        (width - by..width).for_each(|edge| clear_column(to, width, edge));
    }
}

#[inline(always)]
fn clear_column(rows: &mut [f32], width: usize, column: usize) {
    rows.chunks_exact_mut(width).for_each(|row| row[column] = 0.0);
}

/// Writes a flat plane of a stride over 1: row by row, each into one copy for each column of the
/// kernel. `line` is a padded row.
#[inline(always)]
fn strided<F: Activation, S: Simd>(
    simd: S,
    layer: &Convolution,
    rows: &Rows,
    norm: (f32, f32),
    from: &[f32],
    plane: &mut [f32],
    line: &mut [f32],
) {
    let Convolution { width, kernel, stride, .. } = *layer;
    let (out_width, copy_len) = (layer.out_width(), layer.copy_len());
    let (values, line) = line.split_at_mut(width);
    // Rows between those that the kernel covers are not needed.
    for row in (0..rows.count).filter(|row| row % stride < kernel) {
        let inside = row.wrapping_sub(rows.above);
        let is_inside = inside < rows.inside.len();
        if is_inside {
            let from = &from[inside * width..][..width];
            map_to_phases::<F, S>(simd, norm, from, values, line, layer);
        }
        let place = row % stride * copy_len + row / stride * out_width;
        for column in 0..kernel {
            let to = &mut plane[column * stride * copy_len + place..][..out_width];
            if is_inside {
                let from = column % stride * layer.phase_len() + column / stride;
                map_row::<Identity, S>(simd, (1.0, 0.0), &line[from..from + out_width], to);
            } else {
                to.fill(0.0);
            }
        }
    }
}

/// Does what [`map_row`] does, for strides over 1: writes a padded row phase by phase. `values` has
/// room for a row.
#[inline(always)]
fn map_to_phases<F: Activation, S: Simd>(
    simd: S,
    norm: (f32, f32),
    from: &[f32],
    values: &mut [f32],
    to: &mut [f32],
    layer: &Convolution,
) {
    let (padding, stride, phase_len) = (layer.kernel / 2, layer.stride, layer.phase_len());
    map_row::<F, S>(simd, norm, from, values);
    if stride == 2 {
        let (first, second) = to.split_at_mut(phase_len);
        if padding % 2 == 0 {
            deal(simd, values, &mut first[padding / 2..], &mut second[padding / 2..]);
        } else {
            deal(simd, values, &mut second[padding / 2..], &mut first[padding / 2 + 1..]);
        }
        return;
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
