//! Small pictures of images, for a report.

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::network::Shape;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, GrayImage, RgbImage};

/// Maximum width and height in pixels.
const SIDE: u32 = 64;

/// Returns an image of 1 or 3 channels as a PNG in base64, scaled down to at most 64 x 64 pixels
/// with its proportions kept. `pixels` are planes of channels, rows, columns.
///
/// # Errors
/// Fails if the image cannot be encoded.
pub(crate) fn png_base64(pixels: &[u8], shape: Shape) -> Result<String> {
    let mut picture = picture(pixels, shape).context("an image has not the pixels of its shape")?;
    if picture.width().max(picture.height()) > SIDE {
        picture = picture.thumbnail(SIDE, SIDE);
    }
    let mut png = Vec::new();
    let encoder =
        PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive);
    picture.write_with_encoder(encoder).context("an image cannot be encoded as PNG")?;
    Ok(STANDARD.encode(png))
}

/// Returns the planes of a grey image, or of red, green and blue, as a picture.
fn picture(pixels: &[u8], shape: Shape) -> Option<DynamicImage> {
    let (width, height) = (u32::try_from(shape.width).ok()?, u32::try_from(shape.height).ok()?);
    if shape.channels == 1 {
        return GrayImage::from_raw(width, height, pixels.to_vec()).map(DynamicImage::from);
    }
    let plane = shape.width * shape.height;
    let interleaved = (0..3 * plane).map(|i| pixels[i % 3 * plane + i / 3]).collect();
    RgbImage::from_raw(width, height, interleaved).map(DynamicImage::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(pixels: &[u8], channels: usize, height: usize, width: usize) -> DynamicImage {
        let encoded = png_base64(pixels, Shape { channels, height, width }).unwrap();
        image::load_from_memory(&STANDARD.decode(encoded).unwrap()).unwrap()
    }

    #[test]
    fn small_images_keep_every_pixel() {
        let grey = decoded(&[0, 50, 100, 150, 200, 250], 1, 2, 3);
        assert_eq!((grey.width(), grey.height()), (3, 2));
        assert_eq!(grey.to_luma8().into_raw(), [0, 50, 100, 150, 200, 250]);
        let colour = decoded(&[1, 2, 3, 4, 5, 6], 3, 1, 2);
        assert_eq!(colour.to_rgb8().into_raw(), [1, 3, 5, 2, 4, 6]);
    }

    #[test]
    fn large_images_are_scaled_down_in_their_proportions() {
        let small = decoded(&[77; 200 * 100], 1, 100, 200);
        assert_eq!((small.width(), small.height()), (64, 32));
        assert!(small.to_luma8().iter().all(|pixel| *pixel == 77));
    }
}
