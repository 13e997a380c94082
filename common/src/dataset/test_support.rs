//! Descriptions and image files for tests.

use super::description::{DataFile, Dataset, Format, Normalisation, Validation};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use std::fs;
use std::path::Path;

/// Returns a data set of two classes, without hashes, with the same files as training and test set.
pub(super) fn description(
    format: Format,
    side: usize,
    classes: [&str; 2],
    files: Vec<DataFile>,
) -> Dataset {
    Dataset {
        name: "made-to-order".into(),
        about: String::new(),
        format,
        channels: 3,
        height: side,
        width: side,
        resize: Default::default(),
        classes: classes.map(str::to_string).to_vec(),
        normalisation: Normalisation { mean: vec![0.5; 3], std: vec![0.5; 3] },
        validation: Some(Validation { fraction: 0.2, seed: 0, by_class: true }),
        train: files.clone(),
        val: vec![],
        test: files,
        sources: vec![],
    }
}

/// Returns an entry of a list of files, without a hash.
pub(super) fn file(path: &str) -> DataFile {
    DataFile { path: path.into(), sha256: None }
}

/// Writes a square image of one colour, as PNG or JPEG by its name, and missing folders.
pub(super) fn write_image(path: &Path, side: u32, colour: [u8; 3]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let format = ImageFormat::from_path(path).unwrap();
    DynamicImage::from(RgbImage::from_pixel(side, side, Rgb(colour)))
        .save_with_format(path, format)
        .unwrap();
}
