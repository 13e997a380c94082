//! Folders of photos, made for a test.

use image::{ImageFormat, Rgb, RgbImage};
use std::fs;
use std::io::Cursor;
use std::path::Path;

/// Side of a picture in pixels.
const SIDE: u32 = 24;
/// A JPEG file's segment that says: the picture was taken with the camera on its side, so turn it
/// right by 90 degrees (orientation 6).
const TURNED: [u8; 36] = [
    0xff, 0xe1, 0, 34, b'E', b'x', b'i', b'f', 0, 0, b'M', b'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01,
    0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0,
];

/// Writes PNG files of one class, each of the class's colour with noise.
pub(crate) fn write_class(folder: &Path, class: u8, count: u32) {
    fs::create_dir_all(folder).unwrap();
    for number in 0..count {
        let file = folder.join(format!("{number:03}.png"));
        picture(class, number).save_with_format(file, ImageFormat::Png).unwrap();
    }
}

/// Returns a picture of a class.
fn picture(class: u8, number: u32) -> RgbImage {
    RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let place = (x + SIDE * y) + SIDE * SIDE * (number + 1000 * u32::from(class));
        // Of all 32 bits, so that no two pictures are nearly equal.
        let noise = (place.wrapping_mul(2_654_435_769).rotate_left(13).wrapping_mul(0x85eb_ca6b)
            >> 24) as u8;
        let mut colour = [noise / 2; 3];
        colour[usize::from(class % 3)] += 120;
        Rgb(colour)
    })
}

/// Writes a JPEG file of a class.
pub(crate) fn write_photo(file: &Path, class: u8) {
    fs::write(file, jpeg(&picture(class, 999))).unwrap();
}

/// Writes a JPEG file that viewers show with a white upper and a black lower half, though its
/// pixels have a white left and a black right half.
pub(crate) fn write_turned(file: &Path) {
    let stored = RgbImage::from_fn(2 * SIDE, SIDE, |x, _| Rgb([if x < SIDE { 255 } else { 0 }; 3]));
    let bytes = jpeg(&stored);
    // After the mark that begins the file.
    fs::write(file, [&bytes[..2], &TURNED, &bytes[2..]].concat()).unwrap();
}

fn jpeg(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Cursor::new(vec![]);
    picture.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}
