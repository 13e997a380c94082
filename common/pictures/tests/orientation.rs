//! Turned pictures become upright, wherever their orientation is written.

mod support;

use image::metadata::Orientation;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use pictures::{Picture, Resize, pixels};
use support::{PNG_START, chunk, encoded, exif, jpeg, target};

/// Returns an image whose four corners differ.
fn picture() -> DynamicImage {
    let colour =
        |x: u32, y: u32| Rgb([if x < 8 { 20 } else { 220 }, if y < 16 { 40 } else { 240 }, 128]);
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

/// Returns a PNG with an eXIf chunk before or after its pixels.
fn png(image: &DynamicImage, exif: &[u8], behind: bool) -> Vec<u8> {
    let mut bytes = encoded(image, ImageFormat::Png);
    let place = if behind { bytes.len() - chunk(b"IEND", &[]).len() } else { PNG_START };
    bytes.splice(place..place, chunk(b"eXIf", exif));
    bytes
}

/// Returns a WebP file with an EXIF chunk, which only the extended format has.
fn webp(image: &DynamicImage, exif: &[u8]) -> Vec<u8> {
    let simple = encoded(image, ImageFormat::WebP);
    let side = |side: u32| (side - 1).to_le_bytes()[..3].to_vec();
    let (flags, none) = (vec![0b1000, 0, 0, 0], Vec::new());
    let header = [flags, side(image.width()), side(image.height())].concat();
    let padding = if exif.len() % 2 == 1 { vec![0] } else { none };
    let riff = |kind: &[u8; 4], contents: &[u8]| {
        [&kind[..], &(contents.len() as u32).to_le_bytes(), contents].concat()
    };
    let all = [
        b"WEBP".to_vec(),
        riff(b"VP8X", &header),
        simple[12..].to_vec(),
        riff(b"EXIF", exif),
        padding,
    ];
    riff(b"RIFF", &all.concat())
}

#[test]
fn exif_orientations_are_applied() {
    for resize in Resize::ALL {
        let target = target(3, 8, 8, resize);
        let upright = pixels(&png(&picture(), &[], false), &target).unwrap();
        for orientation in 1..=8 {
            let image = stored(orientation);
            for big_endian in [false, true] {
                let exif = exif(orientation, big_endian);
                for file in
                    [png(&image, &exif, false), png(&image, &exif, true), webp(&image, &exif)]
                {
                    assert_eq!(
                        pixels(&file, &target).unwrap(),
                        upright,
                        "{orientation}, {big_endian}, {resize}"
                    );
                    let picture = Picture::decode(&file).unwrap();
                    assert_eq!((picture.width(), picture.height()), (16, 32));
                }
                let lossy = pixels(&jpeg(&image, exif), &target).unwrap();
                assert!(
                    lossy.iter().zip(&upright).all(|(a, b)| a.abs_diff(*b) < 12),
                    "JPEG {orientation}, big endian: {big_endian}, {resize}"
                );
            }
        }
        let turned = pixels(&png(&picture(), &exif(6, true), false), &target).unwrap();
        assert_ne!(turned, upright);
    }
}

/// Orientations that do not exist, and blocks that are none, are ignored, as viewers do.
#[test]
fn wrong_orientations_are_ignored() {
    let target = target(3, 8, 8, Resize::Stretch);
    let upright = pixels(&png(&picture(), &[], false), &target).unwrap();
    for block in [exif(0, true), exif(9, false), b"nonsense".to_vec(), exif(6, true)[..12].to_vec()]
    {
        assert_eq!(pixels(&png(&picture(), &block, false), &target).unwrap(), upright);
    }
}
