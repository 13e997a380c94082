//! The orientation of a picture. Cameras store pictures in the sensor's orientation.

use super::error::Error;
use image::ImageDecoder;
use image::metadata::Orientation;

const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Returns the orientation in a picture's EXIF tag (0x0112).
///
/// # Errors
/// Fails if the file is damaged.
pub(super) fn orientation(
    bytes: &[u8],
    decoder: &mut impl ImageDecoder,
) -> Result<Orientation, Error> {
    let orientation = match exif_of_png(bytes) {
        Some(exif) => Orientation::from_exif_chunk(exif),
        None => Some(decoder.orientation()?),
    };
    Ok(orientation.unwrap_or(Orientation::NoTransforms))
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
