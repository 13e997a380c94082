//! Mean and standard deviation of pixels.

use crate::network::Shape;

/// Returns mean and standard deviation of each channel of images (channels, rows, columns), of
/// pixels scaled to 0..1; zeros if there are no images.
pub fn moments<'a>(
    images: impl Iterator<Item = &'a [u8]> + Clone,
    shape: Shape,
) -> (Vec<f64>, Vec<f64>) {
    let plane = shape.plane();
    let channel = |channel: usize| {
        let (mut sum, mut squares, mut count) = (0u64, 0u64, 0u64);
        for image in images.clone() {
            let pixels = &image[channel * plane..][..plane];
            sum += pixels.iter().map(|p| u64::from(*p)).sum::<u64>();
            squares += pixels.iter().map(|p| u64::from(*p) * u64::from(*p)).sum::<u64>();
            count += plane as u64;
        }
        let count = count.max(1) as f64;
        let mean = sum as f64 / count;
        (mean / 255.0, (squares as f64 / count - mean * mean).max(0.0).sqrt() / 255.0)
    };
    (0..shape.channels).map(channel).unzip()
}
