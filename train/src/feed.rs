//! From 8-bit images to batches of normalised tensors.

use anyhow::Result;
use candle_core::{Device, Tensor};
use common::dataset::Images;
use common::network::Input;
use common::seed;
use rand::seq::SliceRandom;

/// The order of the images in one epoch.
pub fn shuffled(count: usize, seed: u64, epoch: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut seed::stream(seed, &format!("shuffle/{epoch}")));
    order
}

/// The first `count` images of a fixed shuffle: the same for every candidate of every run on the same data.
pub fn subset(images: &Images, count: usize) -> Images {
    let mut order = shuffled(images.len(), 0, 0);
    order.truncate(count);
    images.select(&order)
}

/// The images at `indices` as (batch, channels, height, width), normalised as the network asks.
pub fn batch(images: &Images, indices: &[usize], input: &Input) -> Result<Tensor> {
    let plane = input.shape().plane();
    let tables: Vec<[f32; 256]> =
        (0..input.channels).map(|c| std::array::from_fn(|pixel| input.normalise(c, pixel as u8))).collect();
    let mut values = Vec::with_capacity(indices.len() * input.shape().elements());
    for &index in indices {
        for (pixels, table) in images.image(index).chunks_exact(plane).zip(&tables) {
            values.extend(pixels.iter().map(|pixel| table[usize::from(*pixel)]));
        }
    }
    Ok(Tensor::from_vec(values, (indices.len(), input.channels, input.height, input.width), &Device::Cpu)?)
}

/// The labels at `indices`.
pub fn labels(images: &Images, indices: &[usize]) -> Result<Tensor> {
    let labels: Vec<u32> = indices.iter().map(|&i| u32::from(images.labels[i])).collect();
    Ok(Tensor::from_vec(labels, indices.len(), &Device::Cpu)?)
}
