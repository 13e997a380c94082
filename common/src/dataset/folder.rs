//! Images in folders: one sub-folder per class, PNG or JPEG, of any size.

use super::{DataFile, Dataset, Images, sorted_entries};
use crate::hash::sha256_hex_of_parts;
use anyhow::{Context, Result, bail, ensure};
use image::imageops::FilterType;
use std::path::Path;

pub(super) fn load(dataset: &Dataset, root: &Path, folder: &DataFile) -> Result<Images> {
    let folder = root.join(&folder.path);
    for entry in sorted_entries(&folder)? {
        let name = entry.file_name().unwrap_or_default().to_string_lossy();
        ensure!(
            !entry.is_dir() || dataset.classes.iter().any(|class| *class == name),
            "{}: the folder is not one of the classes in dataset.json",
            entry.display()
        );
    }
    let (mut pixels, mut labels, mut files) = (Vec::new(), Vec::new(), Vec::new());
    for (label, class) in dataset.classes.iter().enumerate() {
        for path in sorted_entries(&folder.join(class))? {
            let bytes = std::fs::read(&path).with_context(|| format!("{}: cannot read the file", path.display()))?;
            pixels.extend(decode(&bytes, dataset).with_context(|| format!("{}: not a usable image", path.display()))?);
            labels.push(u16::try_from(label).context("too many classes")?);
            files.push(bytes);
        }
    }
    let sha256 = sha256_hex_of_parts(files.iter().map(Vec::as_slice));
    Ok(Images { shape: dataset.input().shape(), pixels, labels, sha256 })
}

/// An image in the data set's size and channels, as planes.
fn decode(bytes: &[u8], dataset: &Dataset) -> Result<Vec<u8>> {
    let (width, height) = (u32::try_from(dataset.width)?, u32::try_from(dataset.height)?);
    let image = image::load_from_memory(bytes)?;
    let image = if (image.width(), image.height()) == (width, height) {
        image
    } else {
        image.resize_exact(width, height, FilterType::Triangle)
    };
    match dataset.channels {
        1 => Ok(image.to_luma8().into_raw()),
        3 => {
            let interleaved = image.to_rgb8().into_raw();
            Ok((0..3).flat_map(|channel| interleaved.iter().skip(channel).step_by(3).copied()).collect())
        }
        other => bail!("images have 1 or 3 channels, not {other}"),
    }
}
