//! Shared by the tests: pictures in all formats, and PNG files of any make.
#![allow(dead_code, reason = "each test file uses its own part of this")]

use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageEncoder, ImageFormat, Rgb, RgbImage};
use pictures::{Resize, Target};
use std::io::{Cursor, Write};

/// The formats that keep every colour.
pub(crate) const EXACT: [ImageFormat; 4] =
    [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Bmp, ImageFormat::Pnm];

/// The beginning of a PNG, and its header's chunk.
pub(crate) const PNG_START: usize = 8 + 25;

pub(crate) fn target(channels: usize, height: usize, width: usize, resize: Resize) -> Target {
    Target { channels, height, width, resize }
}

/// Returns a picture in which no two corners and few pixels are alike.
pub(crate) fn photo(width: u32, height: u32) -> DynamicImage {
    let colour = |x: u32, y: u32| {
        Rgb([(x * 255 / width) as u8, (y * 255 / height) as u8, ((x * 37 + y * 59) % 256) as u8])
    };
    DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, colour))
}

pub(crate) fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

/// Returns a GIF of one image with the colours black and grey.
pub(crate) fn gif(image: &DynamicImage) -> Vec<u8> {
    encoded(image, ImageFormat::Gif)
}

/// Returns a JPEG of the best quality with an EXIF block.
pub(crate) fn jpeg(image: &DynamicImage, exif: Vec<u8>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 100);
    if !exif.is_empty() {
        encoder.set_exif_metadata(exif).unwrap();
    }
    encoder.encode_image(image).unwrap();
    bytes
}

/// Returns an EXIF block with nothing but the orientation, in either byte order.
pub(crate) fn exif(orientation: u8, big_endian: bool) -> Vec<u8> {
    let orientation = [orientation];
    if big_endian {
        let start = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0";
        [&start[..], &orientation, b"\0\0\0\0\0\0"].concat()
    } else {
        let start = b"II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0";
        [&start[..], &orientation, b"\0\0\0\0\0\0\0"].concat()
    }
}

/// Returns a chunk of a PNG.
pub(crate) fn chunk(kind: &[u8; 4], contents: &[u8]) -> Vec<u8> {
    let checked = [kind, contents].concat();
    let mut crc = flate2::Crc::new();
    crc.update(&checked);
    [&(contents.len() as u32).to_be_bytes()[..], &checked, &crc.sum().to_be_bytes()].concat()
}

/// Returns a PNG with this depth and colour type, these chunks before the pixels, and these rows
/// without their filter's byte.
pub(crate) fn png(
    [width, height]: [u32; 2],
    [depth, colour]: [u8; 2],
    chunks: &[u8],
    rows: &[&[u8]],
) -> Vec<u8> {
    let [width, height] = [width, height].map(u32::to_be_bytes);
    let header = [&width[..], &height, &[depth, colour, 0, 0, 0]].concat();
    let mut pixels = ZlibEncoder::new(Vec::new(), Compression::best());
    rows.iter().for_each(|row| pixels.write_all(&[&[0], *row].concat()).unwrap());
    let pixels = pixels.finish().unwrap();
    let parts =
        [chunk(b"IHDR", &header), chunks.to_vec(), chunk(b"IDAT", &pixels), chunk(b"IEND", &[])];
    [b"\x89PNG\r\n\x1a\n".to_vec(), parts.concat()].concat()
}
