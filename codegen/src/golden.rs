//! Recorded inputs and outputs, with which a generated crate tests itself.

use anyhow::{Result, ensure};
use common::dataset::{Dataset, Split};
use common::network::weights::Weights;
use common::network::{Network, Op, reference};
use common::quantized::QuantizedNetwork;
use common::seed;
use rand::Rng;
use std::path::Path;

/// Number of test images that are recorded.
const SAMPLES: usize = 20;
/// Number of random images that are recorded if there is no data set.
const RANDOM: usize = 8;
/// The most elements of all recorded images, so that large images are few; one image at least.
const MAX_ELEMENTS: usize = 1 << 22;

/// Images and their logits.
pub struct Golden {
    /// The pixels, one image after the other.
    pub pixels: Vec<u8>,
    /// The normalised pixels, one image after the other.
    pub inputs: Vec<f32>,
    /// The logits, one image after the other.
    pub outputs: Vec<f32>,
    /// Number and kind of the images.
    description: String,
}

impl Golden {
    /// Records the first test images in the canonical order of the data set in `samples`, or random
    /// images. The logits are those of [`common::network::reference`], which shares no code
    /// with the kernels.
    ///
    /// # Errors
    /// Fails if the data set cannot be read or has images of another shape, or if a number is not
    /// finite.
    pub fn record(network: &Network, weights: &Weights, samples: Option<&Path>) -> Result<Golden> {
        let (pixels, what) = images(network, samples)?;
        let plane = network.input.shape().plane();
        let inputs: Vec<Vec<f32>> = pixels
            .iter()
            .map(|image| {
                image
                    .iter()
                    .enumerate()
                    .map(|(i, p)| network.input.normalise(i / plane, *p))
                    .collect()
            })
            .collect();
        let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
        ensure!(
            inputs.iter().all(|image| finite(image)),
            "normalised {what} are not finite numbers: \
             the network's mean and std are too large or too small"
        );
        let outputs: Result<Vec<Vec<f32>>> =
            inputs.iter().map(|image| reference::logits(network, weights, image)).collect();
        let outputs = outputs?.concat();
        ensure!(
            finite(&outputs),
            "the logits of {what} are not finite numbers: the weights are too large"
        );
        let description = format!("{} {what}", inputs.len());
        Ok(Golden { pixels: pixels.concat(), inputs: inputs.concat(), outputs, description })
    }

    /// Returns number and kind of the images, as in "8 random images".
    pub(crate) fn describe(&self) -> String {
        self.description.clone()
    }
}

/// Images and their logits in integers.
pub struct IntegerGolden {
    /// The pixels, one image after the other.
    pub pixels: Vec<u8>,
    /// The logits, one image after the other.
    pub outputs: Vec<i32>,
    /// Number and kind of the images.
    description: String,
}

impl IntegerGolden {
    /// Records images as [`Golden::record`] does. The logits are those of
    /// [`common::quantized::QuantizedNetwork::logits`], which shares no code with the kernels.
    ///
    /// # Errors
    /// Fails if the data set cannot be read or has images of another shape.
    pub fn record(
        network: &Network,
        quantized: &QuantizedNetwork,
        samples: Option<&Path>,
    ) -> Result<IntegerGolden> {
        let (pixels, what) = images(network, samples)?;
        let outputs = pixels.iter().flat_map(|image| quantized.logits(image)).collect();
        let description = format!("{} {what}", pixels.len());
        Ok(IntegerGolden { pixels: pixels.concat(), outputs, description })
    }

    /// Returns number and kind of the images, as in "8 random images".
    pub(crate) fn describe(&self) -> String {
        self.description.clone()
    }
}

/// Returns the images to record, and what they are.
fn images(network: &Network, samples: Option<&Path>) -> Result<(Vec<Vec<u8>>, &'static str)> {
    Ok(match samples {
        Some(folder) => (first_test_images(network, folder)?, "test images"),
        None => (random_images(network), "random images"),
    })
}

/// Tells whether some activation is discontinuous at 0, so that logits cannot be compared one by
/// one.
pub(crate) fn jumps_at_zero(network: &Network) -> bool {
    network.nodes.iter().any(|node| matches!(node.op, Op::Activation(pair) if pair.jumps_at_zero()))
}

fn first_test_images(network: &Network, folder: &Path) -> Result<Vec<Vec<u8>>> {
    let images = Dataset::load(folder, Split::Test)?.in_canonical_order();
    let (found, expected) = (images.shape, network.input.shape());
    ensure!(
        found == expected,
        "{}: its images are {found}, but the network takes {expected}; \
         name the data set that the network was made for",
        folder.display()
    );
    Ok((0..images.len().min(few(network, SAMPLES))).map(|i| images.image(i).to_vec()).collect())
}

fn random_images(network: &Network) -> Vec<Vec<u8>> {
    let mut rng = seed::stream(0, "codegen/golden");
    let image = |_| {
        let mut pixels = vec![0; network.input.shape().elements()];
        rng.fill_bytes(&mut pixels);
        pixels
    };
    (0..few(network, RANDOM)).map(image).collect()
}

/// Returns the number of images of at most [`MAX_ELEMENTS`] elements, up to `wanted`.
fn few(network: &Network, wanted: usize) -> usize {
    (MAX_ELEMENTS / network.input.shape().elements()).clamp(1, wanted)
}
