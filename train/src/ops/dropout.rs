//! Dropout whose mask is a function of seed, node, step and element. The backward pass recomputes
//! the mask instead of keeping it.

#![allow(unsafe_code)] // Only the calls that `multiversion!` makes, after detecting the features.

use super::blocks::{Blocks, to_rows};
use super::simd::{Level, multiversion};
use super::storage::{elements, with_elements};
use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor};
use common::seed;
use rand::Rng;
use rayon::prelude::*;

/// Elements handled by one task.
const PIECE: usize = 1 << 14;

/// Sets random elements to 0 and scales the others so that the mean is preserved.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    key: u32,
    /// Elements whose hash is below this are set to 0.
    threshold: u32,
    scale: f32,
    level: Level,
}

impl Dropout {
    /// Returns dropout with a probability in 0..1. `name` identifies the node and the step.
    pub fn new(probability: f64, seed: u64, name: &str, level: Level) -> Dropout {
        let key = seed::stream(seed, &format!("dropout/{name}")).next_u32();
        let threshold = (probability * (f64::from(u32::MAX) + 1.0)) as u32;
        Dropout { key, threshold, scale: (1.0 / (1.0 - probability)) as f32, level }
    }

    /// Applies dropout to a tensor of any shape; differentiable.
    ///
    /// # Errors
    /// Fails if the tensor is not f32 on the CPU.
    pub fn apply(self, input: &Tensor) -> Result<Tensor> {
        input.contiguous()?.apply_op1(self)
    }

    /// Returns the factors of all elements of a batch (images, channels, height, width), on the
    /// CPU. They equal those of the same batch in blocks.
    ///
    /// # Errors
    /// Fails if the tensor cannot be made.
    pub(crate) fn mask(
        self,
        (images, channels, height, width): (usize, usize, usize, usize),
    ) -> Result<Tensor> {
        let shape = Blocks { images, height, channels, width };
        let mask =
            Tensor::from_vec(self.all(&vec![1.0; shape.elements()]), shape.shape(), &Device::Cpu)?;
        to_rows(&mask, images)?.reshape((images, channels, height, width))
    }

    /// Applies dropout to the elements of a tensor from index `first` on.
    pub(super) fn drop(&self, first: usize, elements: &mut [f32]) {
        // Tensors have fewer than 2^32 elements; more would only repeat the mask.
        drop_elements(self.level, *self, first as u32, elements);
    }

    fn all(&self, input: &[f32]) -> Vec<f32> {
        let mut output = input.to_vec();
        output.par_chunks_mut(PIECE).enumerate().for_each(|(i, piece)| self.drop(i * PIECE, piece));
        output
    }
}

multiversion! {
    fn drop_elements(dropout: Dropout, first: u32, elements: &mut [f32]) => drop_elements_generic;
}

#[inline(always)]
fn drop_elements_generic(dropout: Dropout, first: u32, elements: &mut [f32]) {
    for (i, x) in elements.iter_mut().enumerate() {
        let kept = hash(dropout.key, first.wrapping_add(i as u32)) >= dropout.threshold;
        *x *= if kept { dropout.scale } else { 0.0 };
    }
}

/// Returns a 32-bit hash: the finaliser of MurmurHash3, applied twice so that masks of different
/// keys are not shifted copies of each other.
#[inline(always)]
fn hash(key: u32, index: u32) -> u32 {
    mix(mix(index ^ key).wrapping_add(key))
}

#[inline(always)]
fn mix(x: u32) -> u32 {
    let x = (x ^ (x >> 16)).wrapping_mul(0x85eb_ca6b);
    let x = (x ^ (x >> 13)).wrapping_mul(0xc2b2_ae35);
    x ^ (x >> 16)
}

impl CustomOp1 for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(self.all(elements(storage, layout)?)), layout.shape().clone()))
    }

    fn bwd(&self, input: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let result = with_elements(gradient, |gradient| Ok(self.all(gradient)))?;
        Ok(Some(Tensor::from_vec(result, input.shape(), input.device())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dropped(dropout: Dropout, count: usize) -> Vec<bool> {
        let mut ones = vec![1.0; count];
        dropout.drop(0, &mut ones);
        assert!(ones.iter().all(|x| *x == 0.0 || *x == dropout.scale));
        ones.iter().map(|x| *x == 0.0).collect()
    }

    #[test]
    fn the_share_is_the_probability_and_elements_are_independent() {
        for probability in [0.1, 0.5, 0.8] {
            let mask = dropped(Dropout::new(probability, 1, "a/0", Level::Portable), 100_000);
            let share =
                |kept: &[bool]| kept.iter().filter(|k| **k).count() as f64 / kept.len() as f64;
            assert!((share(&mask) - probability).abs() < 0.01, "{}", share(&mask));
            // Neighbours, and the same pixel of the next row, channel and block.
            for apart in [1, 16, 512, 16_384] {
                let both: Vec<bool> =
                    mask.iter().zip(&mask[apart..]).map(|(a, b)| *a && *b).collect();
                assert!(
                    (share(&both) - probability * probability).abs() < 0.01,
                    "{apart}: {}",
                    share(&both)
                );
            }
        }
    }

    #[test]
    fn masks_differ_between_seeds_places_and_steps_and_agree_between_levels_and_pieces() {
        let mask = |seed, name: &str, level| dropped(Dropout::new(0.5, seed, name, level), 4096);
        let one = mask(1, "fel1/7", Level::Portable);
        for other in [
            mask(2, "fel1/7", Level::Portable),
            mask(1, "fel2/7", Level::Portable),
            mask(1, "fel1/8", Level::Portable),
        ] {
            let same = one.iter().zip(&other).filter(|(a, b)| a == b).count();
            assert!((1850..2250).contains(&same), "{same} of 4096 agree");
        }
        for level in Level::available() {
            assert_eq!(mask(1, "fel1/7", level), one);
        }
        let dropout = Dropout::new(0.5, 1, "fel1/7", Level::detected());
        let mut tail = vec![1.0; 96];
        dropout.drop(4000, &mut tail);
        assert_eq!(tail.iter().map(|x| *x == 0.0).collect::<Vec<_>>(), one[4000..]);
    }
}
