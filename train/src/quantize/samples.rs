//! What the f32 network computes on the calibration images: extremes and means of all results, and
//! samples of them.

use crate::data::batches;
use crate::model::Model;
use anyhow::{Result, ensure};
use common::dataset::Images;
use common::network::{Shape, shapes};
use std::collections::BTreeMap;

/// Images computed at a time.
const BATCH: usize = 32;

/// The results of a node, by channel.
pub(super) struct Observed {
    pub(super) channels: Vec<Channel>,
    /// Positions of the samples of each image.
    positions: Vec<Vec<usize>>,
}

/// The results of one channel of a node.
#[derive(Clone)]
pub(super) struct Channel {
    /// Results at the sampled positions, image after image.
    pub(super) samples: Vec<f32>,
    pub(super) low: f32,
    pub(super) high: f32,
    /// Mean over all images and positions.
    pub(super) mean: f64,
}

impl Observed {
    fn new(shape: Shape, images: usize, per_channel: usize) -> Observed {
        let empty = Channel {
            samples: Vec::with_capacity(per_channel),
            low: f32::INFINITY,
            high: f32::NEG_INFINITY,
            mean: 0.0,
        };
        let plane = shape.plane();
        let count = per_channel.div_ceil(images).min(plane);
        let positions = (0..images).map(|image| positions(image, count, plane)).collect();
        Observed { channels: vec![empty; shape.channels], positions }
    }

    /// Returns the positions at which samples of an image were taken.
    pub(super) fn positions(&self, image: usize) -> &[usize] {
        &self.positions[image]
    }

    /// Returns the smallest and largest result of all channels.
    pub(super) fn extremes(&self) -> (f32, f32) {
        self.channels.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), channel| {
            (low.min(channel.low), high.max(channel.high))
        })
    }

    /// Adds the results of one image.
    fn add(&mut self, image: usize, values: &[f32]) {
        let (plane, images) = (values.len() / self.channels.len(), self.positions.len());
        for (channel, values) in self.channels.iter_mut().zip(values.chunks_exact(plane)) {
            let mut sum = 0.0;
            for value in values {
                channel.low = channel.low.min(*value);
                channel.high = channel.high.max(*value);
                sum += f64::from(*value);
            }
            channel.mean += sum / (plane * images) as f64;
            channel.samples.extend(self.positions[image].iter().map(|&at| values[at]));
        }
    }
}

/// Returns different-looking positions of a plane for each image; all of them if `count` is as
/// many.
fn positions(image: usize, count: usize, plane: usize) -> Vec<usize> {
    if count == plane {
        return (0..plane).collect();
    }
    // Multiples of the golden ratio are evenly spread, whatever their number.
    let spread = |k: usize| ((image * count + k) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..count).map(|k| ((u128::from(spread(k)) * plane as u128) >> 64) as usize).collect()
}

/// Computes the f32 network, which must be unfused, on images, and returns the results of some
/// nodes, each with at least so many samples of each channel as the images have.
///
/// # Errors
/// Fails if the images do not fit the network, or with the name of a node that has a result that is
/// not finite.
pub(super) fn observe(
    model: &Model,
    images: &Images,
    nodes: &BTreeMap<usize, usize>,
) -> Result<BTreeMap<usize, Observed>> {
    let shapes = shapes::shapes(model.network())?;
    let mut all: BTreeMap<usize, Observed> = nodes
        .iter()
        .map(|(&node, &samples)| (node, Observed::new(shapes[node], images.len(), samples)))
        .collect();
    let indices: Vec<usize> = (0..images.len()).collect();
    for indices in indices.chunks(BATCH) {
        let batch = batches::batch(images, indices, &model.network().input)?;
        model.observe(&batch, &mut |node, values| {
            if let Some(observed) = all.get_mut(&node) {
                let values = values()?;
                for (image, values) in
                    indices.iter().zip(values.chunks_exact(shapes[node].elements()))
                {
                    observed.add(*image, values);
                }
            }
            Ok(())
        })?;
    }
    for (&node, observed) in &all {
        let finite = observed.channels.iter().all(|channel| {
            channel.mean.is_finite() && channel.low.is_finite() && channel.high.is_finite()
        });
        ensure!(
            finite,
            "node {}: its results for the calibration images are not all finite numbers, so these \
             weights cannot be quantized",
            model.network().nodes[node].name
        );
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_inside_the_plane_and_differ() {
        let all: Vec<usize> = (0..100).flat_map(|image| positions(image, 8, 784)).collect();
        assert!(all.iter().all(|&at| at < 784));
        let distinct: std::collections::BTreeSet<usize> = all.iter().copied().collect();
        assert!(distinct.len() > 450, "{}", distinct.len());
        assert_eq!(positions(3, 4, 4), [0, 1, 2, 3]);
    }
}
