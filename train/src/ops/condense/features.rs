//! The concatenation of a condense layer's input and the outputs of its FELs, without a copy: each
//! part stays in its own memory.

use crate::ops::blocks::Blocks;
use crate::ops::scratch::Buffer;

/// The input and the outputs of the first FELs.
pub(super) struct Features<'a> {
    /// The shape of the first part.
    shape: Blocks,
    parts: Vec<(&'a [f32], Blocks)>,
    /// For each channel, its part and its start in the part's rows.
    channels: Vec<(usize, usize)>,
}

impl<'a> Features<'a> {
    /// Concatenates an input of shape `shape` and outputs with their numbers of channels.
    pub(super) fn new(
        shape: Blocks,
        input: &'a [f32],
        outputs: impl Iterator<Item = (&'a Buffer, &'a usize)>,
    ) -> Features<'a> {
        let mut parts = vec![(input, shape)];
        parts.extend(outputs.map(|(output, filters)| (&**output, shape.with_channels(*filters))));
        let channels = parts.iter().enumerate().flat_map(|(index, (_, part))| {
            let line = part.line();
            (0..part.channels).map(move |c| (index, c * line))
        });
        Features { shape, channels: channels.collect(), parts }
    }

    /// Returns the shape of the concatenation.
    pub(super) fn shape(&self) -> Blocks {
        self.shape.with_channels(self.channels.len())
    }

    /// Returns one row of all channels of one block.
    pub(super) fn row(&self, block: usize, y: usize) -> Vec<&'a [f32]> {
        (0..self.channels.len()).map(|channel| self.line(block, y, channel)).collect()
    }

    /// Returns one row of one channel of one block: (width, 16).
    pub(super) fn line(&self, block: usize, y: usize, channel: usize) -> &'a [f32] {
        let (part, start) = self.channels[channel];
        let (data, shape) = &self.parts[part];
        &data[block * shape.block() + y * shape.row() + start..][..shape.line()]
    }
}
