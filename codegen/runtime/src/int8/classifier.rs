//! Global pooling and the classifier.

use super::activation::Activation;
use super::arithmetic::{MEAN_BITS, logit, plane_mean, table_index};
use super::dispatch::Kernels;
use super::engine::{Engine, Task};
use super::packing::Packing;

/// The sizes of a classifier.
#[derive(Clone, Copy, Debug)]
pub struct Classifier {
    /// Positions of a plane.
    pub plane: usize,
    /// Whether the largest byte of a plane counts, and not the mean.
    pub largest: bool,
    /// What makes an unsigned byte of an input byte (exclusive or) if there is no activation.
    pub mask: u8,
}

/// The constants of a classifier.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// Weights: for each channel those of all classes.
    pub weights: &'a [i8],
    /// Where the sum of each class begins.
    pub biases: &'a [i32],
    /// The multiplier of each sum.
    pub multipliers: &'a [i32],
}

/// Computes the logits.
///
/// # Panics
/// Panics if a slice is too short.
pub fn classifier(
    kernels: Kernels,
    layer: Classifier,
    activation: Option<Activation<'_>>,
    rows: Rows<'_>,
    from: &[u8],
    logits: &mut [i32],
) {
    kernels.run(Classify { layer, activation, rows, from, logits });
}

struct Classify<'a> {
    layer: Classifier,
    activation: Option<Activation<'a>>,
    rows: Rows<'a>,
    from: &'a [u8],
    logits: &'a mut [i32],
}

impl Task for Classify<'_> {
    #[inline(always)]
    fn run<E: Engine>(self, engine: E) {
        let Classify { layer, activation, rows, from, logits } = self;
        let table = activation.map(|activation| (engine.table(activation.table), activation));
        logits.copy_from_slice(&rows.biases[..logits.len()]);
        let planes = from.chunks_exact(layer.plane);
        for (channel, (plane, weights)) in
            planes.zip(rows.weights.chunks_exact(logits.len())).enumerate()
        {
            let pooled = match &table {
                _ if layer.largest => largest(activation, layer.mask, channel, plane) << MEAN_BITS,
                Some((table, activation)) => {
                    plane_mean(engine.sum(table, activation.affine(channel), plane), layer.plane)
                }
                None => {
                    let sum = plane.iter().map(|byte| u32::from(byte ^ layer.mask)).sum();
                    plane_mean(sum, layer.plane)
                }
            };
            for (sum, weight) in logits.iter_mut().zip(weights) {
                *sum += i32::from(*weight) * pooled;
            }
        }
        for (sum, multiplier) in logits.iter_mut().zip(rows.multipliers) {
            *sum = logit(*sum, *multiplier);
        }
    }
}

/// Returns the largest unsigned byte of a plane.
fn largest(activation: Option<Activation<'_>>, mask: u8, channel: usize, plane: &[u8]) -> i32 {
    let mut most = 0;
    for byte in plane {
        let byte = match activation {
            Some(activation) => {
                let affine = activation.affine(channel);
                let index = table_index(&[(*byte, affine.factors[0])], affine.offset, affine.shift);
                activation.table[index] ^ Packing::HERE.flip
            }
            None => byte ^ mask,
        };
        most = most.max(byte);
    }
    i32::from(most)
}
