//! Scaling of a picture to a network's shape.

use super::target::{Resize, Target};
use image::DynamicImage;
use image::imageops::FilterType;

/// Columns and rows.
type Size = (u32, u32);

/// Returns a picture's pixels in a network's shape: planes of channels, rows, columns.
///
/// # Panics
/// Panics if [`Target::check`] fails.
pub(super) fn to_pixels(image: &DynamicImage, target: &Target) -> Vec<u8> {
    let size = target.size().unwrap_or_else(|error| panic!("{error}"));
    let from = (image.width(), image.height());
    match target.resize {
        Resize::Stretch => scaled(image, size, target.channels),
        Resize::Letterbox => {
            let inner = largest_within(from, size);
            in_the_centre(&scaled(image, inner, target.channels), inner, size)
        }
        Resize::Crop => {
            let (width, height) = largest_within(size, from);
            let (left, top) = ((from.0 - width) / 2, (from.1 - height) / 2);
            scaled(&image.crop_imm(left, top, width, height), size, target.channels)
        }
    }
}

/// Returns the largest size of this shape within a frame, rounded to whole pixels.
fn largest_within((width, height): Size, frame: Size) -> Size {
    let divided = |a: u32, b: u32, by: u32| {
        let (product, by) = (u64::from(a) * u64::from(b), u64::from(by));
        u32::try_from((product + by / 2) / by).unwrap_or(u32::MAX).max(1)
    };
    if u64::from(width) * u64::from(frame.1) > u64::from(frame.0) * u64::from(height) {
        (frame.0, divided(height, frame.0, width).min(frame.1))
    } else {
        (divided(width, frame.1, height).min(frame.0), frame.1)
    }
}

/// Returns planes with black around the picture. An odd row or column goes below or to the right.
fn in_the_centre(planes: &[u8], inner: Size, frame: Size) -> Vec<u8> {
    let [width, height, columns, rows] =
        [inner.0, inner.1, frame.0, frame.1].map(|side| side as usize);
    let (left, top) = ((columns - width) / 2, (rows - height) / 2);
    let channels = planes.len() / (width * height);
    let mut framed = vec![0; channels * rows * columns];
    for (index, row) in planes.chunks_exact(width).enumerate() {
        let (channel, y) = (index / height, index % height);
        let start = (channel * rows + top + y) * columns + left;
        framed[start..start + width].copy_from_slice(row);
    }
    framed
}

/// Returns the planes of a picture whose rows and columns are scaled to a size.
fn scaled(image: &DynamicImage, size: Size, channels: usize) -> Vec<u8> {
    if (image.width(), image.height()) == size {
        planes(image, channels)
    } else {
        planes(&image.resize_exact(size.0, size.1, FilterType::Triangle), channels)
    }
}

/// Returns the grey values of a picture, or its planes of red, green and blue.
fn planes(image: &DynamicImage, channels: usize) -> Vec<u8> {
    if channels == 1 {
        return image.to_luma8().into_raw();
    }
    let interleaved = image.to_rgb8().into_raw();
    (0..3).flat_map(|channel| interleaved.iter().skip(channel).step_by(3).copied()).collect()
}
