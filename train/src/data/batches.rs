//! Batches of normalised tensors from 8-bit images.

use super::augment::{Augmenter, Transform};
use anyhow::Result;
use candle_core::{Device, Tensor};
use common::dataset::Images;
use common::network::Input;
use common::seed;
use rand::seq::SliceRandom;

/// The images and labels of one training step.
pub struct Batch {
    /// Normalised images (images, channels, height, width).
    pub images: Tensor,
    /// The class of each image, (images), u32.
    pub labels: Tensor,
}

/// Returns the order of `count` images in one epoch.
pub fn shuffled(count: usize, seed: u64, epoch: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut seed::stream(seed, &format!("shuffle/{epoch}")));
    order
}

/// Returns the first `count` images of a fixed shuffle, the same in every run on the same data.
pub fn subset(images: &Images, count: usize) -> Images {
    let mut order = shuffled(images.len(), 0, 0);
    order.truncate(count);
    images.select(&order)
}

/// Returns the images at `indices` as (images, channels, height, width), normalised with the mean
/// and standard deviation of the network's input.
///
/// # Errors
/// Fails if the images have another shape than `input`.
pub fn batch(images: &Images, indices: &[usize], input: &Input) -> Result<Tensor> {
    transformed_batch(images, indices, input, |_| Transform::default())
}

/// Returns the images at `indices`, augmented for one epoch and normalised, and their labels.
///
/// # Errors
/// Fails if the images have another shape than `input`.
pub fn augmented_batch(
    images: &Images,
    indices: &[usize],
    input: &Input,
    augmenter: Augmenter,
) -> Result<Batch> {
    let transform = |index| augmenter.transform(index, images.shape);
    let augmented = transformed_batch(images, indices, input, transform)?;
    let labels: Vec<u32> = indices.iter().map(|&i| u32::from(images.labels[i])).collect();
    Ok(Batch { images: augmented, labels: Tensor::from_vec(labels, indices.len(), &Device::Cpu)? })
}

fn transformed_batch(
    images: &Images,
    indices: &[usize],
    input: &Input,
    transform: impl Fn(usize) -> Transform,
) -> Result<Tensor> {
    let (plane, elements) = (input.shape().plane(), input.shape().elements());
    let tables: Vec<[f32; 256]> = (0..input.channels)
        .map(|c| std::array::from_fn(|pixel| input.normalise(c, pixel as u8)))
        .collect();
    let mut values = vec![0.0; indices.len() * elements];
    for (&index, image) in indices.iter().zip(values.chunks_exact_mut(elements)) {
        let transform = transform(index);
        let channels = image.chunks_exact_mut(plane).zip(images.image(index).chunks_exact(plane));
        for ((values, pixels), table) in channels.zip(&tables) {
            transform.write(pixels, table, input.width, values);
        }
    }
    Ok(Tensor::from_vec(
        values,
        (indices.len(), input.channels, input.height, input.width),
        &Device::Cpu,
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::network::Shape;
    use common::profile::Augmentation;

    fn images() -> (Images, Input) {
        let shape = Shape { channels: 2, height: 6, width: 5 };
        let pixels = (0..40 * shape.elements()).map(|i| (i * 31 % 253) as u8).collect();
        let images = Images { shape, pixels, labels: (0..40).collect(), sha256: String::new() };
        let input = Input {
            channels: 2,
            height: 6,
            width: 5,
            mean: vec![0.4, 0.6],
            std: vec![0.3, 0.5],
            resize: Default::default(),
        };
        (images, input)
    }

    #[test]
    fn batches_contain_the_normalised_pixels() {
        let (images, input) = images();
        let batch = batch(&images, &[7, 3], &input).unwrap();
        assert_eq!(batch.dims(), [2, 2, 6, 5]);
        let values: Vec<f32> = batch.flatten_all().unwrap().to_vec1().unwrap();
        let want = [7, 3].iter().flat_map(|&i| images.image(i).iter().enumerate());
        for (value, (place, pixel)) in values.iter().zip(want) {
            assert_eq!(*value, input.normalise(place / 30, *pixel));
        }
    }

    #[test]
    fn every_epoch_has_its_own_order_with_every_image_once() {
        let orders: Vec<Vec<usize>> = (1..=20).map(|epoch| shuffled(50, 7, epoch)).collect();
        let distinct: std::collections::BTreeSet<&Vec<usize>> = orders.iter().collect();
        assert_eq!(distinct.len(), 20);
        assert_ne!(shuffled(50, 8, 1), orders[0]);
        for mut order in orders {
            order.sort_unstable();
            assert_eq!(order, (0..50).collect::<Vec<_>>());
        }
    }

    #[test]
    fn augmentation_depends_on_the_image_and_not_on_its_batch() {
        let (images, input) = images();
        let settings = Augmentation { crop_padding: 3, horizontal_flip: true, cutout: 2 };
        let augmenter = Augmenter { settings: &settings, seed: 5, epoch: 2 };
        let rows = |indices: &[usize]| -> Vec<Vec<f32>> {
            let batch = augmented_batch(&images, indices, &input, augmenter).unwrap();
            let labels: Vec<usize> =
                batch.labels.to_vec1::<u32>().unwrap().iter().map(|l| *l as usize).collect();
            assert_eq!(labels, indices);
            batch.images.flatten_from(1).unwrap().to_vec2().unwrap()
        };
        let order = shuffled(40, 5, 2);
        let all = rows(&order);
        for size in [1, 7, 40] {
            let in_pieces: Vec<Vec<f32>> = order.chunks(size).flat_map(rows).collect();
            assert_eq!(in_pieces, all);
        }
        let plain = batch(&images, &order, &input)
            .unwrap()
            .flatten_from(1)
            .unwrap()
            .to_vec2::<f32>()
            .unwrap();
        assert!(
            all.iter().zip(&plain).filter(|(a, b)| a == b).count() < 10,
            "most images are changed"
        );
        let off = Augmentation::default();
        let augmenter = Augmenter { settings: &off, ..augmenter };
        let unchanged = augmented_batch(&images, &order, &input, augmenter).unwrap().images;
        assert_eq!(unchanged.flatten_from(1).unwrap().to_vec2::<f32>().unwrap(), plain);
    }
}
