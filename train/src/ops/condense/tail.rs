//! The nodes after the FELs of a condense layer, forward and backward.

use super::features::Features;
use super::layer::Tail;
use super::pass::Pass;
use super::reader::Reader;
use crate::ops::blocks::{Blocks, LANES};
use crate::ops::correlate::{Packed, Window, correlate_row};
use crate::ops::rounding::range::Range;
use crate::ops::scratch::{Band, Buffer, bands};
use crate::ops::statistics::{Channel, LaneSums, Statistics, activation_backward};
use crate::ops::weight_gradient::{GradientOperands, Planes, add_weight_gradient};
use rayon::prelude::*;

/// Pooled rows of one task of a transition.
const BAND: usize = 4;

/// The result of one task of the backward pass: sums of gradients before the activation, and the
/// weight gradient.
pub(super) type Part = (Vec<LaneSums>, Vec<f32>);

impl Pass {
    /// Computes the output of the tail.
    pub(super) fn tail(
        &self,
        features: &Features,
        statistics: &Statistics,
        ranges: &[Range],
        parameters: &[f32],
    ) -> Vec<f32> {
        let shape = features.shape();
        let out_shape = self.layer.out_shape(shape);
        let mut output = vec![0.0; out_shape.elements()];
        match self.layer.tail {
            Tail::Concat => bands(&mut output, out_shape, BAND).into_par_iter().for_each(|band| {
                let lines = band.data.chunks_exact_mut(shape.line()).enumerate();
                for (i, line) in lines {
                    let (y, c) = (band.top + i / shape.channels, i % shape.channels);
                    line.copy_from_slice(features.line(band.block, y, c));
                }
            }),
            Tail::Transition { pool, .. } => {
                let reader = self.reader(self.layer.filters.len(), statistics, ranges, parameters);
                let weight = self.tail_weight(parameters);
                let packed =
                    Packed::forward(self.level, weight, (out_shape.channels, shape.channels, 1));
                bands(&mut output, out_shape, BAND).into_par_iter().for_each(|band| {
                    let mut row = Buffer::zeros(shape.channels * out_shape.line());
                    for (y, out) in band.data.chunks_exact_mut(out_shape.row()).enumerate() {
                        for (c, line) in row.chunks_exact_mut(out_shape.line()).enumerate() {
                            self.pooled_line(
                                features,
                                &reader,
                                pool,
                                (band.block, band.top + y, c),
                                line,
                            );
                        }
                        let window = Window {
                            data: &row,
                            channel: out_shape.line(),
                            rows: &[0],
                            stride: 1,
                            prefetch: &[],
                        };
                        correlate_row(self.level, &packed, window, out);
                    }
                });
            }
            Tail::AverageHead => {
                let reader = self.reader(self.layer.filters.len(), statistics, ranges, parameters);
                output.par_chunks_exact_mut(out_shape.block()).enumerate().for_each(
                    |(block, sums)| {
                        self.average(features, &reader, block, sums);
                    },
                );
            }
        }
        output
    }

    fn tail_weight<'a>(&self, parameters: &'a [f32]) -> &'a [f32] {
        self.layer.split(self.layer.filters.len(), parameters).2
    }

    /// Activates and averages the pixels of one pooled row of one channel.
    fn pooled_line(
        &self,
        features: &Features,
        reader: &Reader,
        pool: usize,
        (block, row, c): (usize, usize, usize),
        line: &mut [f32],
    ) {
        let mut activated = Buffer::zeros(features.shape().line());
        line.fill(0.0);
        for y in row * pool..(row + 1) * pool {
            reader.values(self.level, c, features.line(block, y, c), &mut activated);
            let squares = activated.chunks_exact(pool * LANES);
            for (pixels, mean) in squares.zip(line.chunks_exact_mut(LANES)) {
                for pixel in pixels.chunks_exact(LANES) {
                    mean.iter_mut().zip(pixel).for_each(|(mean, x)| *mean += x);
                }
            }
        }
        let share = 1.0 / (pool * pool) as f32;
        line.iter_mut().for_each(|mean| *mean *= share);
        reader.round_means(line);
    }

    /// Averages each activated channel of one block.
    fn average(&self, features: &Features, reader: &Reader, block: usize, sums: &mut [f32]) {
        let shape = features.shape();
        let mut line = Buffer::zeros(shape.line());
        for y in 0..shape.height {
            for (c, sum) in sums.chunks_exact_mut(LANES).enumerate() {
                reader.values(self.level, c, features.line(block, y, c), &mut line);
                for pixel in line.chunks_exact(LANES) {
                    sum.iter_mut().zip(pixel).for_each(|(sum, x)| *sum += x);
                }
            }
        }
        let share = 1.0 / (shape.height * shape.width) as f32;
        sums.iter_mut().for_each(|sum| *sum *= share);
    }

    /// Writes the first term of the tail's contribution to `gradient`, that of the concatenation.
    pub(super) fn tail_backward(
        &self,
        features: &Features,
        statistics: &Statistics,
        parameters: &[f32],
        grad_output: &[f32],
        gradient: &mut [f32],
    ) -> Vec<Part> {
        let shape = features.shape();
        match self.layer.tail {
            Tail::Concat => {
                gradient.copy_from_slice(grad_output);
                Vec::new()
            }
            Tail::Transition { out_channels, pool } => {
                let reader =
                    self.reader(self.layer.filters.len(), statistics, self.found(), parameters);
                let weight = self.tail_weight(parameters);
                let sizes = (out_channels, shape.channels, 1);
                let packed = Packed::backward(self.level, weight, sizes, 0..shape.channels);
                let back =
                    TailBackward { pass: self, features, reader: &reader, means: &statistics.mean };
                let bands = bands(gradient, shape, BAND * pool).into_par_iter();
                bands.map(|band| back.transition(&packed, pool, grad_output, band)).collect()
            }
            Tail::AverageHead => {
                let reader =
                    self.reader(self.layer.filters.len(), statistics, self.found(), parameters);
                let back =
                    TailBackward { pass: self, features, reader: &reader, means: &statistics.mean };
                bands(gradient, shape, BAND)
                    .into_par_iter()
                    .map(|band| back.head(grad_output, band))
                    .collect()
            }
        }
    }
}

/// The backward pass of the tail.
struct TailBackward<'a> {
    pass: &'a Pass,
    features: &'a Features<'a>,
    reader: &'a Reader,
    means: &'a [f32],
}

impl TailBackward<'_> {
    fn channel(&self, c: usize) -> Channel {
        self.reader.channel(c, self.means[c])
    }

    fn head(&self, grad_output: &[f32], band: Band) -> Part {
        let shape = self.features.shape();
        let grad_output =
            &grad_output[band.block * shape.channels * LANES..][..shape.channels * LANES];
        let share = 1.0 / (shape.height * shape.width) as f32;
        let mut after = Buffer::zeros(shape.line());
        let mut sums = vec![LaneSums::default(); shape.channels];
        band.data.fill(0.0);
        for (i, gradient) in band.data.chunks_exact_mut(shape.line()).enumerate() {
            let (y, c) = (band.top + i / shape.channels, i % shape.channels);
            for pixel in after.chunks_exact_mut(LANES) {
                pixel
                    .iter_mut()
                    .zip(&grad_output[c * LANES..])
                    .for_each(|(pixel, grad_output)| *pixel = grad_output * share);
            }
            let x = self.features.line(band.block, y, c);
            activation_backward(
                self.pass.level,
                self.channel(c),
                x,
                &after,
                gradient,
                &mut sums[c],
            );
        }
        (sums, Vec::new())
    }

    fn transition(&self, packed: &Packed, pool: usize, grad_output: &[f32], band: Band) -> Part {
        let shape = self.features.shape();
        let out_shape = self.pass.layer.out_shape(shape);
        let mut sums = vec![LaneSums::default(); shape.channels];
        band.data.fill(0.0);
        let (top, rows) = (band.top / pool, band.rows / pool);
        if rows == 0 || out_shape.width == 0 {
            return (sums, vec![0.0; out_shape.channels * shape.channels]);
        }
        let grad_output = &grad_output[band.block * out_shape.block() + top * out_shape.row()..]
            [..rows * out_shape.row()];
        let weight = self.weight_gradient(pool, grad_output, out_shape, (band.block, top, rows));
        let mut pooled = Buffer::zeros(shape.channels * out_shape.line());
        let mut after = Buffer::zeros(shape.line());
        let share = 1.0 / (pool * pool) as f32;
        for (row, grad_output) in grad_output.chunks_exact(out_shape.row()).enumerate() {
            let window = Window {
                data: grad_output,
                channel: out_shape.line(),
                rows: &[0],
                stride: 1,
                prefetch: &[],
            };
            correlate_row(self.pass.level, packed, window, &mut pooled);
            for (c, pooled) in pooled.chunks_exact(out_shape.line()).enumerate() {
                for (pixel, to) in
                    pooled.chunks_exact(LANES).zip(after.chunks_exact_mut(pool * LANES))
                {
                    for to in to.chunks_exact_mut(LANES) {
                        to.iter_mut().zip(pixel).for_each(|(to, x)| *to = x * share);
                    }
                }
                for y in row * pool..(row + 1) * pool {
                    let gradient =
                        &mut band.data[y * shape.row() + c * shape.line()..][..shape.line()];
                    let x = self.features.line(band.block, band.top + y, c);
                    activation_backward(
                        self.pass.level,
                        self.channel(c),
                        x,
                        &after,
                        gradient,
                        &mut sums[c],
                    );
                }
            }
        }
        (sums, weight)
    }

    /// Returns the gradient of the transition's weight (out, in) from some pooled rows.
    fn weight_gradient(
        &self,
        pool: usize,
        grad_output: &[f32],
        out_shape: Blocks,
        (block, top, rows): (usize, usize, usize),
    ) -> Vec<f32> {
        let channels = self.features.shape().channels;
        let plane = rows * out_shape.line();
        let mut pooled = Buffer::zeros(channels * plane);
        for (c, plane) in pooled.chunks_exact_mut(plane).enumerate() {
            for (y, line) in plane.chunks_exact_mut(out_shape.line()).enumerate() {
                self.pass.pooled_line(self.features, self.reader, pool, (block, top + y, c), line);
            }
        }
        let operands = GradientOperands {
            input: Planes { data: &pooled, channels, channel: plane, row: out_shape.line() },
            grad_output: Planes {
                data: grad_output,
                channels: out_shape.channels,
                channel: out_shape.line(),
                row: out_shape.row(),
            },
            kernel: 1,
            rows,
            width: out_shape.width,
            out: channels,
        };
        let mut gradient = vec![0.0; out_shape.channels * channels];
        add_weight_gradient(self.pass.level, operands, &mut gradient);
        gradient
    }
}
