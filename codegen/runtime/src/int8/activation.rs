//! Batch normalisation and activation by a table, of one value or of two that are added.

use super::dispatch::Kernels;
use super::engine::{Affine, Affines, Engine, MOST_CHANNELS, Task};
use super::packing::Packing;

/// Batch normalisation and activation.
#[derive(Clone, Copy, Debug)]
pub struct Activation<'a> {
    /// The factor of each channel; for a sum those of the first term, then those of the second.
    pub factors: &'a [i16],
    /// The offset of each channel.
    pub offsets: &'a [i16],
    /// Shift from the sum to the index, at most 7.
    pub shift: u8,
    /// Results, as bytes of an activated row.
    pub table: &'a [u8; 256],
}

impl Activation<'_> {
    /// Returns the linear function of a channel.
    #[inline(always)]
    pub(super) fn affine(&self, channel: usize) -> Affine {
        Affine {
            factors: [self.factors[channel], 0],
            offset: self.offsets[channel],
            shift: self.shift,
        }
    }

    /// Returns the linear functions of a group's channels. Those past the last channel are those of
    /// anything, or 0.
    #[inline(always)]
    pub(super) fn affines(&self, first: usize) -> Affines {
        let of_group = |numbers: &[i16]| {
            let rest = numbers.get(first..).unwrap_or(&[]);
            rest.first_chunk().copied().unwrap_or_else(|| {
                let mut part = [0; MOST_CHANNELS];
                part.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
                part
            })
        };
        Affines {
            factors: of_group(self.factors),
            offsets: of_group(self.offsets),
            shift: self.shift,
        }
    }

    #[inline(always)]
    fn affine_of_sum(&self, channel: usize) -> Affine {
        let second = self.factors[self.offsets.len() + channel];
        Affine { factors: [self.factors[channel], second], ..self.affine(channel) }
    }
}

/// Computes the value of an activation: planes of `plane` positions.
///
/// # Panics
/// Panics if `from` is shorter than `to`.
pub fn activation(
    kernels: Kernels,
    activation: Activation<'_>,
    plane: usize,
    from: &[u8],
    to: &mut [u8],
) {
    kernels.run(Map { activation, plane, from, second: None, to });
}

/// Computes the activation of the sum of two values.
///
/// # Panics
/// Panics if a term is shorter than `to`.
pub fn addition(
    kernels: Kernels,
    activation: Activation<'_>,
    plane: usize,
    [from, second]: [&[u8]; 2],
    to: &mut [u8],
) {
    kernels.run(Map { activation, plane, from, second: Some(second), to });
}

struct Map<'a> {
    activation: Activation<'a>,
    plane: usize,
    from: &'a [u8],
    second: Option<&'a [u8]>,
    to: &'a mut [u8],
}

impl Task for Map<'_> {
    #[inline(always)]
    fn run<E: Engine>(self, engine: E) {
        // A value is a signed byte, which is the unsigned one with its highest bit inverted.
        let flip = Packing::HERE.flip ^ 0x80;
        let table = engine.table(self.activation.table);
        for (channel, to) in self.to.chunks_mut(self.plane).enumerate() {
            let at = channel * self.plane;
            let from = &self.from[at..at + to.len()];
            match self.second {
                None => engine.map(&table, self.activation.affine(channel), [from, &[]], flip, to),
                Some(second) => {
                    let second = &second[at..at + to.len()];
                    let affine = self.activation.affine_of_sum(channel);
                    engine.map(&table, affine, [from, second], flip, to);
                }
            }
        }
    }
}
