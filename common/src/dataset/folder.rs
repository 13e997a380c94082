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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::tests::description;
    use crate::dataset::{Format, Normalisation, Split};
    use crate::json;
    use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

    fn write_image(path: &Path, side: u32, colour: [u8; 3]) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let format = ImageFormat::from_path(path).unwrap();
        DynamicImage::from(RgbImage::from_pixel(side, side, Rgb(colour))).save_with_format(path, format).unwrap();
    }

    fn fixture() -> (tempfile::TempDir, Dataset) {
        let dir = tempfile::tempdir().unwrap();
        for split in ["train", "test"] {
            write_image(&dir.path().join(split).join("cat/1.png"), 4, [10, 20, 30]);
            write_image(&dir.path().join(split).join("cat/2.jpg"), 4, [10, 20, 30]);
            write_image(&dir.path().join(split).join("dog/1.png"), 9, [200, 100, 50]);
        }
        let folder = |path: &str| vec![DataFile { path: path.into(), sha256: None }];
        let mut dataset = description(Format::ImageFolder, 4, ["cat", "dog"], folder("train"));
        dataset.test = folder("test");
        json::write(&dir.path().join("dataset.json"), &dataset).unwrap();
        (dir, dataset)
    }

    #[test]
    fn images_are_planes_in_the_order_of_the_classes_resized_where_needed() {
        let (dir, _) = fixture();
        let images = Dataset::load(dir.path(), Split::Test).unwrap();
        assert_eq!(images.labels, [0, 0, 1]);
        let planes = |image: usize| images.image(image).chunks(16).map(|plane| plane[5]).collect::<Vec<_>>();
        assert_eq!(planes(0), [10, 20, 30]);
        assert_eq!(planes(2), [200, 100, 50]);
        assert!(
            planes(1).iter().zip([10, 20, 30]).all(|(got, want): (&u8, u8)| got.abs_diff(want) < 4),
            "a JPEG is lossy"
        );
    }

    #[test]
    fn one_channel_is_luminance() {
        let (dir, mut dataset) = fixture();
        dataset.channels = 1;
        dataset.normalisation = Normalisation { mean: vec![0.5], std: vec![0.5] };
        json::write(&dir.path().join("dataset.json"), &dataset).unwrap();
        let images = Dataset::load(dir.path(), Split::Test).unwrap();
        assert_eq!(images.image(0).len(), 16);
        assert!(images.image(0)[0] < images.image(2)[0]);
    }

    #[test]
    fn what_does_not_belong_is_named() {
        let error = |change: &dyn Fn(&Path)| {
            let (dir, _) = fixture();
            change(dir.path());
            format!("{:#}", Dataset::load(dir.path(), Split::Train).unwrap_err())
        };
        let strange = error(&|dir| std::fs::create_dir(dir.join("train/fish")).unwrap());
        assert!(strange.contains("fish"), "{strange}");
        let missing = error(&|dir| std::fs::remove_dir_all(dir.join("train/dog")).unwrap());
        assert!(missing.contains("dog"), "{missing}");
        let empty = error(&|dir| std::fs::remove_file(dir.join("train/dog/1.png")).unwrap());
        assert!(empty.contains("of class \"cat\""), "{empty}");
        let damaged = error(&|dir| std::fs::write(dir.join("train/dog/1.png"), b"no image").unwrap());
        assert!(damaged.contains("1.png") && damaged.contains("not a usable image"), "{damaged}");
    }
}
