//! A decoded picture, as viewers show it.

use super::error::Error;
use super::exif::orientation;
use super::scale;
use super::target::{MAX_SIDE, Target};
use image::{
    ColorType, DynamicImage, GenericImageView, ImageDecoder, ImageFormat, ImageReader, Limits, Rgb,
    RgbImage,
};
use std::io::Cursor;

/// Maximum size of a decoded picture in memory.
const MAX_BYTES: u64 = 512 << 20;

/// A decoded picture, as viewers show it: upright, and on white where it is transparent. Of an
/// animation it is the first image.
#[derive(Clone, Debug)]
pub struct Picture {
    image: DynamicImage,
    is_16_bit: bool,
}

/// Decodes a picture and returns its pixels: planes of channels, rows, columns.
///
/// # Errors
/// Fails as [`Picture::decode`] and [`Target::check`] do.
pub fn pixels(bytes: &[u8], target: &Target) -> Result<Vec<u8>, Error> {
    target.check()?;
    Ok(Picture::decode(bytes)?.to_pixels(target))
}

impl Picture {
    /// Decodes a whole PNG, JPEG, GIF, WebP, BMP or PNM (binary or plain).
    ///
    /// # Errors
    /// Fails if the bytes are none of these, if they are damaged or incomplete, or if a side has
    /// over 65,535 pixels or all pixels take over 512 MiB, which is found before they are decoded.
    pub fn decode(bytes: &[u8]) -> Result<Picture, Error> {
        if bytes.is_empty() {
            return Err(Error::Empty);
        }
        if is_cut_off(bytes) {
            return Err(Error::CutOff);
        }
        let format = image::guess_format(bytes).map_err(|_| Error::Unknown)?;
        if !is_read(format) {
            return Err(Error::Unknown);
        }
        let reader = ImageReader::with_format(Cursor::new(bytes), format);
        let mut decoder = reader.into_decoder()?;
        let (width, height) = decoder.dimensions();
        if width == 0 || height == 0 {
            return Err(Error::Damaged("it has no pixels".to_string()));
        }
        if width > MAX_SIDE || height > MAX_SIDE || decoder.total_bytes() > MAX_BYTES {
            return Err(Error::TooLarge);
        }
        // A GIF's first image may be larger than the picture.
        let mut limits = Limits::no_limits();
        limits.max_alloc = Some(MAX_BYTES);
        decoder.set_limits(limits)?;
        let is_16_bit = is_16_bit(decoder.color_type());
        let orientation = orientation(bytes, &mut decoder)?;
        let mut image = DynamicImage::from_decoder(decoder)?;
        image.apply_orientation(orientation);
        Ok(Picture { image: on_white(image), is_16_bit })
    }

    /// Returns the number of columns.
    pub fn width(&self) -> usize {
        self.image.width() as usize
    }

    /// Returns the number of rows.
    pub fn height(&self) -> usize {
        self.image.height() as usize
    }

    /// Returns whether red, green and blue are equal in every pixel.
    pub fn is_grey(&self) -> bool {
        let is_grey = |[red, green, blue]: [u16; 3]| red == green && green == blue;
        match &self.image {
            DynamicImage::ImageRgb8(image) => {
                image.pixels().all(|Rgb(pixel)| is_grey(pixel.map(u16::from)))
            }
            DynamicImage::ImageRgb16(image) => image.pixels().all(|Rgb(pixel)| is_grey(*pixel)),
            image if !image.color().has_color() => true,
            image => image.to_rgb16().pixels().all(|Rgb(pixel)| is_grey(*pixel)),
        }
    }

    /// Returns whether the file has 16 bits for each channel; pixels are rounded to 8 bits.
    pub fn is_16_bit(&self) -> bool {
        self.is_16_bit
    }

    /// Returns the picture's pixels in a network's shape: planes of channels, rows, columns.
    ///
    /// # Panics
    /// Panics if [`Target::check`] fails.
    pub fn to_pixels(&self, target: &Target) -> Vec<u8> {
        scale::to_pixels(&self.image, target)
    }
}

/// Returns whether pictures of this format are read. The crate `image` may be able to read more,
/// if another crate of the same program asks it to.
fn is_read(format: ImageFormat) -> bool {
    matches!(
        format,
        ImageFormat::Png
            | ImageFormat::Jpeg
            | ImageFormat::Gif
            | ImageFormat::WebP
            | ImageFormat::Bmp
            | ImageFormat::Pnm
    )
}

fn is_16_bit(colour: ColorType) -> bool {
    matches!(colour, ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16)
}

/// Returns whether a JPEG lacks its end, which its decoder would replace by grey. (Other decoders
/// fail.)
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

/// Puts a picture on a white ground. The colours of transparent pixels are arbitrary, often black.
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
