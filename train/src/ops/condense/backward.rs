//! The backward pass of a condense layer.
//!
//! The gradient of the concatenation is accumulated from the last reader to the first. When FEL `l`
//! is reached, all readers of its output have added their first term, and `Correction` has the sums
//! of the other two (see `statistics`).

use super::features::Features;
use super::pass::Pass;
use super::reader::Reader;
use super::tail::Part;
use crate::ops::blocks::Blocks;
use crate::ops::correlate::{Packed, Window, correlate_row};
use crate::ops::rounding::results::clear_outside;
use crate::ops::scratch::{Band, Buffer, Padded, bands};
use crate::ops::statistics::{
    Correction, LaneSums, Statistics, activation_backward, subtract_correction, total,
};
use crate::ops::storage::add_up;
use crate::ops::weight_gradient::{GradientOperands, Planes, add_weight_gradient};
use rayon::prelude::*;
use std::ops::Range;

/// Rows of one task. With their padding, the output gradients of 12 filters fit the second cache.
const BAND: usize = 8;
/// Input channels that are worked on at a time: a tile of the correlation.
const GROUP: usize = 12;

impl Pass {
    /// Returns the gradients of the input and of the parameters.
    pub(super) fn backward(
        &self,
        features: &Features,
        statistics: &Statistics,
        parameters: &[f32],
        grad_output: &[f32],
    ) -> (Vec<f32>, Vec<f32>) {
        let shape = features.shape();
        let mut gradient = self.pool.take(shape.elements());
        let of_concat = &mut gradient[..shape.elements()];
        let mut result = vec![0.0; parameters.len()];
        let mut correction = Correction::none(shape.channels);
        let parts = self.tail_backward(features, statistics, parameters, grad_output, of_concat);
        self.collect(
            self.layer.filters.len(),
            statistics,
            parameters,
            parts,
            &mut correction,
            &mut result,
        );
        for index in (0..self.layer.filters.len()).rev() {
            let parts =
                self.fel_backward(index, features, statistics, &correction, parameters, of_concat);
            self.collect(index, statistics, parameters, parts, &mut correction, &mut result);
        }
        let mut of_input = vec![0.0; shape.with_channels(self.layer.in_channels).elements()];
        self.corrected(
            features,
            statistics,
            &correction,
            of_concat,
            0..self.layer.in_channels,
            &mut of_input,
        );
        self.pool.give(gradient);
        (of_input, result)
    }

    /// Writes the parameter gradients of FEL `index`, or of the tail, to `result` and adds the
    /// terms of its batch normalisation to the correction.
    fn collect(
        &self,
        index: usize,
        statistics: &Statistics,
        parameters: &[f32],
        parts: Vec<Part>,
        correction: &mut Correction,
        result: &mut [f32],
    ) {
        if parts.is_empty() {
            return;
        }
        let (sums, weights): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        let (gamma, ..) = self.layer.split(index, parameters);
        let (dgamma, dbeta) = correction.add(&statistics.first(gamma.len()), gamma, &total(&sums));
        let gradients = [dgamma, dbeta, add_up(&weights)].concat();
        result[self.layer.start(index)..][..gradients.len()].copy_from_slice(&gradients);
    }

    /// Writes the corrected gradients of some channels to `result`: of the layer's input, or of
    /// outputs of FELs, where a gradient is 0 if its value was outside its range.
    fn corrected(
        &self,
        features: &Features,
        statistics: &Statistics,
        correction: &Correction,
        gradient: &[f32],
        channels: Range<usize>,
        result: &mut [f32],
    ) {
        let shape = features.shape();
        let is_output = channels.start >= self.layer.in_channels;
        let ranges = if is_output { self.found() } else { &[] };
        bands(result, shape.with_channels(channels.len()), BAND).into_par_iter().for_each(|band| {
            let mask = shape.mask(band.block);
            for (i, result) in band.data.chunks_exact_mut(shape.line()).enumerate() {
                let (y, c) = (band.top + i / channels.len(), channels.start + i % channels.len());
                let start = band.block * shape.block() + y * shape.row() + c * shape.line();
                let numbers = [statistics.mean[c], correction.offset[c], correction.factor[c]];
                let x = features.line(band.block, y, c);
                subtract_correction(
                    self.level,
                    &mask,
                    numbers,
                    x,
                    &gradient[start..][..shape.line()],
                    result,
                );
                if let Some(range) = ranges.get(c) {
                    clear_outside(self.level, *range, x, result);
                }
            }
        });
    }

    /// Adds the gradients that FEL `index` contributes to all channels before it.
    fn fel_backward(
        &self,
        index: usize,
        features: &Features,
        statistics: &Statistics,
        correction: &Correction,
        parameters: &[f32],
        gradient: &mut [f32],
    ) -> Vec<Part> {
        let (channels, filters) = (self.layer.channels(index), self.layer.filters[index]);
        let grad_shape = features.shape().with_channels(filters);
        let mut grad_output = self.pool.take(grad_shape.elements());
        let of_output = &mut grad_output[..grad_shape.elements()];
        self.corrected(
            features,
            statistics,
            correction,
            gradient,
            channels..channels + filters,
            of_output,
        );
        if let Some(dropout) = self.dropouts.get(index) {
            let blocks = of_output.par_chunks_mut(grad_shape.block()).enumerate();
            blocks.for_each(|(block, grad_output)| {
                dropout.drop(block * grad_shape.block(), grad_output);
            });
        }
        let fel = Fel {
            pass: self,
            features,
            reader: self.reader(index, statistics, self.found(), parameters),
            means: &statistics.mean,
            grad_output: of_output,
            grad_shape,
            channels,
            flipped: self.flipped(index, parameters),
        };
        let parts = bands(gradient, features.shape(), BAND)
            .into_par_iter()
            .map(|band| fel.band(band))
            .collect();
        self.pool.give(grad_output);
        parts
    }

    /// Returns the flipped and transposed weights of FEL `index`, for each group of its input
    /// channels.
    fn flipped(&self, index: usize, parameters: &[f32]) -> Vec<Packed> {
        let (channels, filters, kernel) =
            (self.layer.channels(index), self.layer.filters[index], self.layer.kernel);
        let (_, _, weight) = self.layer.split(index, parameters);
        let group = |first: usize| {
            let group = first..channels.min(first + GROUP);
            Packed::backward(self.level, weight, (filters, channels, kernel), group)
        };
        (0..channels).step_by(GROUP).map(group).collect()
    }
}

/// The backward pass of one FEL.
struct Fel<'a> {
    pass: &'a Pass,
    features: &'a Features<'a>,
    reader: Reader,
    means: &'a [f32],
    /// The gradient of the FEL's output.
    grad_output: &'a [f32],
    grad_shape: Blocks,
    /// Input channels.
    channels: usize,
    flipped: Vec<Packed>,
}

impl Fel<'_> {
    /// Computes one band of the concatenation's gradient.
    fn band(&self, band: Band) -> Part {
        let (shape, kernel) = (self.features.shape(), self.pass.layer.kernel);
        let grad_output =
            &self.grad_output[band.block * self.grad_shape.block()..][..self.grad_shape.block()];
        let around = (band.top, band.rows + kernel - 1, shape.width);
        let padded = Padded::around(grad_output, self.grad_shape, around, kernel, 1);
        let windows: Vec<Vec<usize>> = (0..band.rows).map(|y| padded.starts(y, kernel)).collect();
        let mut sums = vec![LaneSums::default(); self.channels];
        let mut weight = vec![0.0; self.grad_shape.channels * self.channels * kernel * kernel];
        let mut activated = Buffer::zeros(GROUP * band.rows * shape.line());
        let mut after = Buffer::zeros(GROUP * shape.line());
        for (flipped, first) in self.flipped.iter().zip((0..self.channels).step_by(GROUP)) {
            let group = first..first + flipped.out_channels();
            self.add_weight_gradient(&band, group.clone(), &padded, &mut activated, &mut weight);
            let after = &mut after[..group.len() * shape.line()];
            for (y, starts) in windows.iter().enumerate() {
                let next = group.end..self.channels.min(group.end + GROUP);
                let gradient = &band.data[y * shape.row()..][..shape.row()];
                let lines = |c: usize| {
                    [
                        self.features.line(band.block, band.top + y, c),
                        &gradient[c * shape.line()..][..shape.line()],
                    ]
                };
                let next_lines: Vec<&[f32]> = next.flat_map(lines).collect();
                let window = Window { prefetch: &next_lines, ..padded.window(starts, 1) };
                correlate_row(self.pass.level, flipped, window, after);
                for (c, after) in group.clone().zip(after.chunks_exact(shape.line())) {
                    let channel = self.reader.channel(c, self.means[c]);
                    let x = self.features.line(band.block, band.top + y, c);
                    let gradient =
                        &mut band.data[y * shape.row() + c * shape.line()..][..shape.line()];
                    activation_backward(self.pass.level, channel, x, after, gradient, &mut sums[c]);
                }
            }
        }
        (sums, weight)
    }

    /// Adds the weight gradient of a group of input channels.
    fn add_weight_gradient(
        &self,
        band: &Band,
        group: Range<usize>,
        padded: &Padded,
        activated: &mut [f32],
        weight: &mut [f32],
    ) {
        let (line, kernel) = (self.grad_shape.line(), self.pass.layer.kernel);
        let plane = band.rows * line;
        for y in 0..band.rows {
            for (c, plane) in group.clone().zip(activated.chunks_exact_mut(plane)) {
                let x = self.features.line(band.block, band.top + y, c);
                self.reader.values(self.pass.level, c, x, &mut plane[y * line..][..line]);
            }
        }
        let (filters, taps) = (self.grad_shape.channels, kernel * kernel);
        let operands = GradientOperands {
            input: Planes { data: activated, channels: group.len(), channel: plane, row: line },
            grad_output: Planes {
                data: padded.data(),
                channels: filters,
                channel: padded.channel(),
                row: padded.line(),
            },
            kernel,
            rows: band.rows,
            width: self.grad_shape.width,
            out: self.channels * taps,
        };
        add_weight_gradient(self.pass.level, operands, &mut weight[group.start * taps..]);
    }
}
