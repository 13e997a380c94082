//! Working memory of the kernels: aligned, padded, reused.
#![allow(unsafe_code)] // Aligned vectors are viewed as floats.

use super::blocks::{Blocks, LANES};
use super::correlate::Window;
use std::sync::Mutex;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Pixel([f32; LANES]);

/// Floats at an address that is a multiple of 64; their number is a multiple of 16.
#[derive(Default)]
pub(super) struct Buffer(Vec<Pixel>);

impl Buffer {
    /// Returns at least `count` zeros.
    pub(super) fn zeros(count: usize) -> Buffer {
        Buffer(vec![Pixel([0.0; LANES]); count.div_ceil(LANES)])
    }
}

impl std::ops::Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: `Pixel` is repr(C) around 16 f32 and exactly 64 bytes long, so the pixels are
        // that many f32 in a row.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() * LANES) }
    }
}

impl std::ops::DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above; the pixels are borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len() * LANES) }
    }
}

/// Large buffers that are kept from one training step to the next, because the system clears every
/// page of new memory.
#[derive(Default)]
pub struct BufferPool(Mutex<Vec<Buffer>>);

impl BufferPool {
    /// Takes a buffer of at least `count` floats with arbitrary values.
    pub(super) fn take(&self, count: usize) -> Buffer {
        let mut free = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let fitting = free.iter().enumerate().filter(|(_, buffer)| buffer.len() >= count);
        match fitting.min_by_key(|(_, buffer)| buffer.len()).map(|(index, _)| index) {
            Some(index) => free.swap_remove(index),
            None => Buffer::zeros(count),
        }
    }

    /// Returns a buffer to the pool.
    pub(super) fn give(&self, buffer: Buffer) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(buffer);
    }
}

/// Lines of pixels with zeros on both sides: (channels, rows, padding + width + padding, 16).
pub(super) struct Padded {
    data: Buffer,
    channels: usize,
    rows: usize,
    padding: usize,
    line: usize,
    channel: usize,
}

impl Padded {
    /// Returns lines of zeros.
    pub(super) fn new(channels: usize, rows: usize, width: usize, kernel: usize) -> Padded {
        let padding = kernel / 2;
        let line = (width + 2 * padding) * LANES;
        // Channels at a multiple of a page from each other would fall into the same lines of the
        // first cache.
        let channel =
            if (rows * line).is_multiple_of(1024) { rows * line + LANES } else { rows * line };
        Padded {
            data: Buffer::zeros(channels * channel),
            channels,
            rows,
            padding: padding * LANES,
            line,
            channel,
        }
    }

    /// Copies `rows` rows of one block with their padding, from row `first` on, counted from the
    /// padding above the image. Pixels are placed `spread` apart, with zeros between them.
    pub(super) fn around(
        block: &[f32],
        shape: Blocks,
        (first, rows, width): (usize, usize, usize),
        kernel: usize,
        spread: usize,
    ) -> Padded {
        let mut padded = Padded::new(shape.channels, rows, width, kernel);
        for row in 0..rows {
            let Some(y) = (first + row).checked_sub(kernel / 2) else { continue };
            if !y.is_multiple_of(spread) || y / spread >= shape.height {
                continue;
            }
            let lines = block[y / spread * shape.row()..][..shape.row()].chunks_exact(shape.line());
            for (channel, line) in lines.enumerate() {
                let pixels = padded.line_mut(channel, row).chunks_exact_mut(LANES).step_by(spread);
                pixels
                    .zip(line.chunks_exact(LANES))
                    .for_each(|(to, from)| to.copy_from_slice(from));
            }
        }
        padded
    }

    /// Returns the pixels of one row of one channel, without padding.
    pub(super) fn line_mut(&mut self, channel: usize, row: usize) -> &mut [f32] {
        let start = channel * self.channel + row * self.line;
        &mut self.data[start + self.padding..start + self.line - self.padding]
    }

    /// Sets one row of all channels to zero.
    pub(super) fn clear_row(&mut self, row: usize) {
        for channel in 0..self.channels {
            self.line_mut(channel, row).fill(0.0);
        }
    }

    /// Returns all elements, with the padding.
    pub(super) fn data(&self) -> &[f32] {
        &self.data
    }

    /// Returns the distance between channels.
    pub(super) fn channel(&self) -> usize {
        self.channel
    }

    /// Returns the distance between rows.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// Returns the input of one output row: the rows of all channels that begin at `starts`.
    pub(super) fn window<'a>(&'a self, starts: &'a [usize], stride: usize) -> Window<'a> {
        Window { data: &self.data, channel: self.channel, rows: starts, stride, prefetch: &[] }
    }

    /// Returns the starts of `kernel` rows in a channel, from row `first` on; row 0 follows the
    /// last row.
    pub(super) fn starts(&self, first: usize, kernel: usize) -> Vec<usize> {
        (first..first + kernel).map(|row| row % self.rows * self.line).collect()
    }
}

/// Some rows of one block of a tensor.
pub(super) struct Band<'a> {
    pub block: usize,
    /// The first row.
    pub top: usize,
    pub rows: usize,
    /// The rows, all channels.
    pub data: &'a mut [f32],
}

/// Cuts a tensor into bands of at most `rows` rows, the units of parallel work. The cut depends on
/// the shape alone, and sums over bands are taken in their order, so results do not depend on the
/// number of threads.
pub(super) fn bands(data: &mut [f32], shape: Blocks, rows: usize) -> Vec<Band<'_>> {
    let mut result = Vec::new();
    for (block, data) in data.chunks_exact_mut(shape.block()).enumerate() {
        for (index, data) in data.chunks_mut(rows * shape.row()).enumerate() {
            result.push(Band { block, top: index * rows, rows: data.len() / shape.row(), data });
        }
    }
    result
}
