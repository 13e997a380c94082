//! The forward pass of a condense layer.

use super::features::Features;
use super::pass::{NormStatistics, Pass};
use super::reader::Reader;
use crate::ops::blocks::Blocks;
use crate::ops::correlate::{Packed, Window, correlate_row};
use crate::ops::rounding::range::{Range, ranges};
use crate::ops::rounding::results;
use crate::ops::scratch::{Band, Buffer, Padded, bands};
use crate::ops::statistics::{Affine, Moments, Statistics};
use rayon::prelude::*;

/// Least number of bands into which a batch is cut, so that a few threads have work. Each band has
/// some more rows to activate.
const BANDS: usize = 8;
/// Fewest rows of a band.
const SHORTEST_BAND: usize = 8;

impl Pass {
    /// Returns the output of the tail and the outputs of the FELs.
    pub(super) fn forward(
        &self,
        shape: Blocks,
        input: &[f32],
        parameters: &[f32],
    ) -> (Vec<f32>, Vec<Buffer>) {
        let mut outputs: Vec<Buffer> = Vec::with_capacity(self.layer.filters.len());
        let mut statistics = match self.norms {
            NormStatistics::Batch(_) => Statistics::of(self.level, shape, input),
            NormStatistics::Running(_) => Statistics::default(),
        };
        let mut found = Vec::new();
        if self.rounded {
            found = ranges(self.level, shape, &statistics, input);
        }
        for (index, filters) in self.layer.filters.iter().enumerate() {
            let features = Features::new(shape, input, outputs.iter().zip(&self.layer.filters));
            let reader = self.reader(index, &statistics, &found, parameters);
            let (mut output, mut of_output) =
                self.fel(index, *filters, &features, &reader, parameters);
            if self.rounded {
                let shape = shape.with_channels(*filters);
                let data = &mut output[..shape.elements()];
                let (ranges, rounded) = results::round(self.level, shape, &of_output, data);
                found.extend(ranges);
                of_output = rounded;
            }
            outputs.push(output);
            statistics.extend(of_output);
        }
        let features = Features::new(shape, input, outputs.iter().zip(&self.layer.filters));
        let output = self.tail(&features, &statistics, &found, parameters);
        self.ranges.get_or_init(|| found);
        if let NormStatistics::Batch(shared) = &self.norms {
            shared.get_or_init(|| statistics);
        }
        (output, outputs)
    }

    /// Returns the batch normalisation and activation of FEL `index`, or of the tail. `statistics`
    /// and `ranges` are those of the batch for all channels before it; there are no ranges if
    /// nothing is rounded.
    pub(super) fn reader(
        &self,
        index: usize,
        statistics: &Statistics,
        ranges: &[Range],
        parameters: &[f32],
    ) -> Reader {
        let (gamma, beta, _) = self.layer.split(index, parameters);
        let affine = match &self.norms {
            NormStatistics::Batch(_) => Affine::new(&statistics.first(gamma.len()), gamma, beta),
            NormStatistics::Running(running) => Affine::new(&running[index], gamma, beta),
        };
        let before = &ranges[..gamma.len().min(ranges.len())];
        Reader::new(self.layer.pair, affine, before)
    }

    /// Computes the output of one FEL and its statistics.
    fn fel(
        &self,
        index: usize,
        filters: usize,
        features: &Features,
        reader: &Reader,
        parameters: &[f32],
    ) -> (Buffer, Statistics) {
        let (kernel, channels) = (self.layer.kernel, features.shape().channels);
        let (_, _, weight) = self.layer.split(index, parameters);
        let packed = Packed::forward(self.level, weight, (filters, channels, kernel));
        let shape = features.shape().with_channels(filters);
        let rows = shape.height.div_ceil(BANDS.div_ceil(shape.count())).max(SHORTEST_BAND);
        let mut output = self.pool.take(shape.elements());
        let moments: Vec<Vec<Moments>> = bands(&mut output[..shape.elements()], shape, rows)
            .into_par_iter()
            .map(|band| self.fel_band(index, features, reader, &packed, shape, band))
            .collect();
        (output, Moments::statistics(&moments))
    }

    /// Computes some rows of a FEL's output. The activated input rows under the kernel are kept in
    /// a ring buffer: input row `y` is in its row `(y + padding) % kernel`.
    fn fel_band(
        &self,
        index: usize,
        features: &Features,
        reader: &Reader,
        packed: &Packed,
        shape: Blocks,
        band: Band,
    ) -> Vec<Moments> {
        let kernel = self.layer.kernel;
        let mut ring = Padded::new(features.shape().channels, kernel, shape.width, kernel);
        let mut moments = vec![Moments::default(); shape.channels];
        for row in band.top..band.top + kernel - 1 {
            self.activate_row(features, reader, band.block, row, &mut ring);
        }
        for (y, out) in band.data.chunks_exact_mut(shape.row()).enumerate() {
            let top = band.top + y;
            self.activate_row(features, reader, band.block, top + kernel - 1, &mut ring);
            let next = top + kernel - kernel / 2;
            let next_lines = if y + 1 < band.rows && next < shape.height {
                features.row(band.block, next)
            } else {
                Vec::new()
            };
            let starts = ring.starts(top, kernel);
            let window = Window { prefetch: &next_lines, ..ring.window(&starts, 1) };
            correlate_row(self.level, packed, window, out);
            if let Some(dropout) = self.dropouts.get(index) {
                dropout.drop(band.block * shape.block() + top * shape.row(), out);
            }
            Moments::add_rows(self.level, shape, band.block, out, &mut moments);
        }
        moments
    }

    /// Writes one activated row of all channels to the ring buffer. `row` counts from the padding
    /// above the image.
    fn activate_row(
        &self,
        features: &Features,
        reader: &Reader,
        block: usize,
        row: usize,
        ring: &mut Padded,
    ) {
        let kernel = self.layer.kernel;
        match row.checked_sub(kernel / 2) {
            Some(y) if y < features.shape().height => {
                for c in 0..features.shape().channels {
                    let line = ring.line_mut(c, row % kernel);
                    reader.values(self.level, c, features.line(block, y, c), line);
                }
            }
            Some(_) | None => ring.clear_row(row % kernel),
        }
    }
}
