//! A condense layer backward.
//!
//! The gradient of the concatenation is collected from the last reader to the first. When FEL `l`
//! is reached, all readers of its output have added their first part, and `Correction` knows the
//! rest.

use super::Pass;
use super::features::Features;
use super::tail::Part;
use crate::ops::activation::affine_values;
use crate::ops::add_up;
use crate::ops::blocks::Blocks;
use crate::ops::correlate::{Packed, Window, correlate_row};
use crate::ops::products::{Planes, Products, add_products};
use crate::ops::scratch::{Band, Buffer, Padded, bands};
use crate::ops::statistics::{
    Affine, Channel, Correction, LaneSums, Statistics, before_activation, settle, total,
};
use rayon::prelude::*;
use std::ops::Range;

/// Rows of one task: with those around them the slopes of 12 filters fit the second cache.
const BAND: usize = 8;
/// Input channels that are worked on at a time: a tile of the correlation.
const GROUP: usize = 12;

impl Pass {
    /// The gradients of the input and of the parameters.
    pub(super) fn backward(
        &self,
        features: &Features,
        statistics: &Statistics,
        parameters: &[f32],
        slope: &[f32],
    ) -> (Vec<f32>, Vec<f32>) {
        let shape = features.shape();
        let mut gradient = self.pool.take(shape.elements());
        let of_concat = &mut gradient[..shape.elements()];
        let mut result = vec![0.0; parameters.len()];
        let mut correction = Correction::none(shape.channels);
        let parts = self.tail_backward(features, statistics, parameters, slope, of_concat);
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
        self.settled(
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

    /// Writes the gradients of FEL `index` or of the tail to `result` and adds to the correction
    /// what its normalisation demands.
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

    /// The complete gradients of some channels, in a tensor of their own.
    fn settled(
        &self,
        features: &Features,
        statistics: &Statistics,
        correction: &Correction,
        gradient: &[f32],
        channels: Range<usize>,
        result: &mut [f32],
    ) {
        let shape = features.shape();
        bands(result, shape.with_channels(channels.len()), BAND).into_par_iter().for_each(|band| {
            let mask = shape.mask(band.block);
            for (i, result) in band.data.chunks_exact_mut(shape.line()).enumerate() {
                let (y, c) = (band.top + i / channels.len(), channels.start + i % channels.len());
                let start = band.block * shape.block() + y * shape.row() + c * shape.line();
                let numbers = [statistics.mean[c], correction.average[c], correction.slope[c]];
                let x = features.line(band.block, y, c);
                settle(self.level, &mask, numbers, x, &gradient[start..][..shape.line()], result);
            }
        });
    }

    /// Sends the gradient of FEL `index`'s output back to all channels before it.
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
        let slope_shape = features.shape().with_channels(filters);
        let mut slope = self.pool.take(slope_shape.elements());
        let of_output = &mut slope[..slope_shape.elements()];
        self.settled(
            features,
            statistics,
            correction,
            gradient,
            channels..channels + filters,
            of_output,
        );
        if let Some(dropout) = self.dropouts.get(index) {
            let blocks = of_output.par_chunks_mut(slope_shape.block()).enumerate();
            blocks.for_each(|(block, slope)| dropout.drop(block * slope_shape.block(), slope));
        }
        let fel = Fel {
            pass: self,
            features,
            affine: self.affine(index, statistics, parameters),
            means: &statistics.mean,
            slope: of_output,
            slope_shape,
            channels,
            flipped: self.flipped(index, parameters),
        };
        let parts = bands(gradient, features.shape(), BAND)
            .into_par_iter()
            .map(|band| fel.band(band))
            .collect();
        self.pool.give(slope);
        parts
    }

    /// The flipped and transposed weights of FEL `index`, for each group of its input channels.
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
    affine: Affine,
    means: &'a [f32],
    /// The gradient of the FEL's output.
    slope: &'a [f32],
    slope_shape: Blocks,
    /// Input channels.
    channels: usize,
    flipped: Vec<Packed>,
}

impl Fel<'_> {
    /// One band of the concatenation's gradient.
    fn band(&self, band: Band) -> Part {
        let (shape, kernel) = (self.features.shape(), self.pass.layer.kernel);
        let slope =
            &self.slope[band.block * self.slope_shape.block()..][..self.slope_shape.block()];
        let around = (band.top, band.rows + kernel - 1, shape.width);
        let padded = Padded::around(slope, self.slope_shape, around, kernel, 1);
        let windows: Vec<Vec<usize>> = (0..band.rows).map(|y| padded.starts(y, kernel)).collect();
        let mut sums = vec![LaneSums::default(); self.channels];
        let mut weight = vec![0.0; self.slope_shape.channels * self.channels * kernel * kernel];
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
                let ahead: Vec<&[f32]> = next.flat_map(lines).collect();
                let window = Window { ahead: &ahead, ..padded.window(starts, 1) };
                correlate_row(self.pass.level, flipped, window, after);
                for (c, after) in group.clone().zip(after.chunks_exact(shape.line())) {
                    let (scale, shift) = (self.affine.scale[c], self.affine.shift[c]);
                    let channel =
                        Channel { pair: self.pass.layer.pair, scale, shift, mean: self.means[c] };
                    let x = self.features.line(band.block, band.top + y, c);
                    let gradient =
                        &mut band.data[y * shape.row() + c * shape.line()..][..shape.line()];
                    before_activation(self.pass.level, channel, x, after, gradient, &mut sums[c]);
                }
            }
        }
        (sums, weight)
    }

    /// Adds the gradient of the weights of a group of input channels.
    fn add_weight_gradient(
        &self,
        band: &Band,
        group: Range<usize>,
        padded: &Padded,
        activated: &mut [f32],
        weight: &mut [f32],
    ) {
        let (line, kernel) = (self.slope_shape.line(), self.pass.layer.kernel);
        let plane = band.rows * line;
        for y in 0..band.rows {
            for (c, plane) in group.clone().zip(activated.chunks_exact_mut(plane)) {
                let x = self.features.line(band.block, band.top + y, c);
                let (scale, shift) = (self.affine.scale[c], self.affine.shift[c]);
                let activated = &mut plane[y * line..][..line];
                affine_values(self.pass.level, self.pass.layer.pair, scale, shift, x, activated);
            }
        }
        let (filters, taps) = (self.slope_shape.channels, kernel * kernel);
        let products = Products {
            input: Planes { data: activated, channels: group.len(), channel: plane, row: line },
            slope: Planes {
                data: padded.data(),
                channels: filters,
                channel: padded.channel(),
                row: padded.line(),
            },
            kernel,
            rows: band.rows,
            width: self.slope_shape.width,
            out: self.channels * taps,
        };
        add_products(self.pass.level, products, &mut weight[group.start * taps..]);
    }
}
