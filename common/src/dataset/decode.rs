//! Decodes pictures to pixels in a data set's size and channels.

use super::description::Dataset;
use super::files::guess_format;
use anyhow::{Result, bail};
use pictures::Error;

/// Decodes a picture to planes in the data set's size and channels, by its rule for other shapes.
///
/// # Errors
/// Fails if the bytes are not a whole picture of a known format, or if the picture has over 512
/// MiB.
pub(super) fn decode(bytes: &[u8], dataset: &Dataset) -> Result<Vec<u8>> {
    match pictures::pixels(bytes, &dataset.input().target()) {
        Err(error @ Error::Unknown) => bail!("{error}{}", guess_format(bytes)),
        pixels => Ok(pixels?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::test_support::description;
    use crate::dataset::{DataFile, Format};
    use crate::resize::Resize;
    use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
    use std::io::Cursor;

    fn dataset() -> Dataset {
        let folder = DataFile { path: "train".into(), sha256: None };
        description(Format::ImageFolder, 4, ["a", "b"], vec![folder])
    }

    #[test]
    fn the_rule_of_the_data_set_counts() {
        let image = RgbImage::from_fn(8, 4, |x, _| Rgb(if x < 4 { [200; 3] } else { [100; 3] }));
        let mut bytes = Vec::new();
        DynamicImage::from(image).write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
        let mut dataset = dataset();
        let mut first_column = |resize| {
            dataset.resize = resize;
            let pixels = decode(&bytes, &dataset).unwrap();
            [pixels[0], pixels[4], pixels[8], pixels[12]]
        };
        assert_eq!(first_column(Resize::Stretch), [200; 4]);
        assert_eq!(first_column(Resize::Letterbox), [0, 200, 200, 0]);
    }

    #[test]
    fn other_files_are_recognised() {
        let error = decode(b"<!DOCTYPE html>", &dataset()).unwrap_err().to_string();
        assert!(error.contains("neither PNG, JPEG") && error.contains("web page"), "{error}");
    }
}
