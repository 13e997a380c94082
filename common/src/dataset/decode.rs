//! Decodes PNG and JPEG files to pixels in a data set's size and channels, as image viewers show
//! them.

use super::description::Dataset;
use super::files::guess_format;
use anyhow::{Context, Result, bail, ensure};
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, GenericImageView, ImageDecoder, ImageReader, Rgb, RgbImage};
use std::io::Cursor;

/// Maximum size of a decoded image in memory.
const MAX_IMAGE_BYTES: u64 = 512 << 20;
const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Decodes an image to planes in the data set's size and channels.
///
/// # Errors
/// Fails if the bytes are not a whole PNG or JPEG, or if the image has over 512 MiB.
pub(super) fn decode(bytes: &[u8], dataset: &Dataset) -> Result<Vec<u8>> {
    let (width, height) = (u32::try_from(dataset.width)?, u32::try_from(dataset.height)?);
    let image = on_white(upright(bytes)?);
    let image = if (image.width(), image.height()) == (width, height) {
        image
    } else {
        image.resize_exact(width, height, FilterType::Triangle)
    };
    match dataset.channels {
        1 => Ok(image.to_luma8().into_raw()),
        3 => {
            let interleaved = image.to_rgb8().into_raw();
            Ok((0..3)
                .flat_map(|channel| interleaved.iter().skip(channel).step_by(3).copied())
                .collect())
        }
        other => bail!("images have 1 or 3 channels, not {other}"),
    }
}

/// Decodes an image and applies the orientation of its EXIF tag (0x0112). Cameras store images in
/// the sensor's orientation.
fn upright(bytes: &[u8]) -> Result<DynamicImage> {
    ensure!(!bytes.is_empty(), "the file is empty");
    ensure!(!is_cut_off(bytes), "the image is cut off");
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let mut decoder = reader.into_decoder().with_context(|| {
        let guess = guess_format(bytes);
        format!("neither PNG nor JPEG{guess}")
    })?;
    let size = decoder.total_bytes();
    ensure!(
        size <= MAX_IMAGE_BYTES,
        "it takes {size} bytes of memory, more than {MAX_IMAGE_BYTES}"
    );
    let orientation = match exif_of_png(bytes) {
        Some(exif) => Orientation::from_exif_chunk(exif),
        None => Some(decoder.orientation()?),
    };
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation.unwrap_or(Orientation::NoTransforms));
    Ok(image)
}

/// Returns whether a JPEG lacks its end, which its decoder would replace by grey. (The decoder of
/// PNG fails.)
fn is_cut_off(bytes: &[u8]) -> bool {
    let Some(mut rest) = bytes.strip_prefix(&[0xff, 0xd8]) else { return false };
    // Segments before the pixels have a length, and may contain a thumbnail with an end of its own.
    while let [0xff, kind, high, low, ..] = *rest {
        let pixels = kind == 0xda;
        let length = 2 + usize::from(u16::from_be_bytes([high, low]));
        let Some(behind) = rest.get(length..) else { return true };
        rest = behind;
        if pixels {
            break;
        }
    }
    !rest.windows(2).any(|mark| mark == [0xff, 0xd9])
}

/// Returns the contents of a PNG's eXIf chunk. It may follow the pixels, where decoders do not look
/// for it.
fn exif_of_png(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.strip_prefix(PNG_SIGNATURE)?;
    loop {
        let (length, kind) = (rest.get(..4)?, rest.get(4..8)?);
        let length = u32::from_be_bytes(length.try_into().ok()?) as usize;
        let contents = rest.get(8..8usize.checked_add(length)?)?;
        if kind == b"eXIf" {
            return Some(contents);
        }
        // Skips the checksum.
        rest = rest.get(8 + length + 4..)?;
    }
}

/// Puts an image on a white ground. The colours of transparent pixels are arbitrary, often black.
fn on_white(image: DynamicImage) -> DynamicImage {
    if !image.color().has_alpha() || image.pixels().all(|(_, _, pixel)| pixel[3] == 255) {
        return image;
    }
    let flat = RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [red, green, blue, alpha] = image.get_pixel(x, y).0.map(u32::from);
        Rgb([red, green, blue]
            .map(|value| ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8))
    });
    DynamicImage::ImageRgb8(flat)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::test_support::description;
    use crate::dataset::{DataFile, Format};
    use image::codecs::jpeg::JpegEncoder;
    use image::{ImageEncoder, ImageFormat, Rgba, RgbaImage};

    fn dataset(side: usize) -> Dataset {
        description(
            Format::ImageFolder,
            side,
            ["a", "b"],
            vec![DataFile { path: "train".into(), sha256: None }],
        )
    }

    /// Returns an EXIF block with nothing but the orientation, in either byte order.
    fn exif(orientation: u8, big_endian: bool) -> Vec<u8> {
        if big_endian {
            [
                &b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"[..],
                &[orientation],
                b"\0\0\0\0\0\0",
            ]
            .concat()
        } else {
            [
                &b"II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"[..],
                &[orientation],
                b"\0\0\0\0\0\0\0",
            ]
            .concat()
        }
    }

    /// Returns an image whose four corners differ.
    fn picture() -> DynamicImage {
        let colour = |x: u32, y: u32| {
            Rgb([if x < 8 { 20 } else { 220 }, if y < 16 { 40 } else { 240 }, 128])
        };
        DynamicImage::ImageRgb8(RgbImage::from_fn(16, 32, colour))
    }

    /// Returns the image as a camera stores it in an orientation (EXIF 2.32, tag 0x0112). Each
    /// orientation is its own inverse, except 6 and 8, which are each other's.
    fn stored(orientation: u8) -> DynamicImage {
        let inverse = match orientation {
            6 => 8,
            8 => 6,
            other => other,
        };
        let mut image = picture();
        image.apply_orientation(Orientation::from_exif(inverse).unwrap());
        image
    }

    fn jpeg(image: &DynamicImage, exif: Vec<u8>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 100);
        encoder.set_exif_metadata(exif).unwrap();
        encoder.encode_image(image).unwrap();
        bytes
    }

    /// Returns a PNG with an eXIf chunk before or after its pixels.
    fn png(image: &DynamicImage, exif: &[u8], behind: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
        let contents = [b"eXIf", exif].concat();
        let mut crc = flate2::Crc::new();
        crc.update(&contents);
        let chunk =
            [&(exif.len() as u32).to_be_bytes()[..], &contents, &crc.sum().to_be_bytes()].concat();
        // IHDR is 25 bytes long and comes first; IEND is the last 12 bytes.
        let place = if behind { bytes.len() - 12 } else { PNG_SIGNATURE.len() + 25 };
        bytes.splice(place..place, chunk);
        bytes
    }

    #[test]
    fn exif_orientations_are_applied() {
        let dataset = dataset(8);
        let upright = decode(&png(&picture(), &[], false), &dataset).unwrap();
        for orientation in 1..=8 {
            let image = stored(orientation);
            for big_endian in [false, true] {
                let exif = exif(orientation, big_endian);
                for behind in [false, true] {
                    assert_eq!(
                        decode(&png(&image, &exif, behind), &dataset).unwrap(),
                        upright,
                        "PNG {orientation}"
                    );
                }
                let lossy = decode(&jpeg(&image, exif), &dataset).unwrap();
                assert!(
                    lossy.iter().zip(&upright).all(|(a, b)| a.abs_diff(*b) < 12),
                    "JPEG {orientation}, big endian: {big_endian}"
                );
            }
        }
        let turned = decode(&png(&picture(), &exif(6, true), false), &dataset).unwrap();
        assert_ne!(turned, upright);
    }

    #[test]
    fn transparent_pixels_become_white() {
        let image = RgbaImage::from_fn(2, 2, |x, _| {
            if x == 0 { Rgba([0, 0, 0, 0]) } else { Rgba([10, 20, 30, 255]) }
        });
        let mut bytes = Vec::new();
        DynamicImage::ImageRgba8(image)
            .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)
            .unwrap();
        let pixels = decode(&bytes, &dataset(2)).unwrap();
        assert_eq!(pixels, [255, 10, 255, 10, 255, 20, 255, 20, 255, 30, 255, 30]);
    }

    #[test]
    fn incomplete_and_other_files_are_refused() {
        let dataset = dataset(8);
        // Simulates an EXIF block with a thumbnail.
        let thumbnail = [exif(1, true), vec![0xff, 0xd8, 0xff, 0xd9]].concat();
        for bytes in [png(&picture(), &[], false), jpeg(&picture(), thumbnail)] {
            assert!(decode(&bytes, &dataset).is_ok());
            for length in 0..bytes.len() - 4 {
                assert!(decode(&bytes[..length], &dataset).is_err(), "{length} of {}", bytes.len());
            }
        }
        let error = format!("{:#}", decode(b"<!DOCTYPE html>", &dataset).unwrap_err());
        assert!(error.contains("web page"), "{error}");
    }
}
