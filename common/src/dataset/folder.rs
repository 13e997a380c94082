//! Images in folders: one sub-folder for each class, with PNG or JPEG files of any size.

use super::decode::decode;
use super::description::{DataFile, Dataset};
use super::files::{MAX_IMAGE_BYTES, sorted_entries};
use super::images::Raw;
use super::scaled_cache::ScaledCache;
use crate::files::reading;
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The maximum number of problems in an error message.
const MAX_LISTED: usize = 10;

pub(super) fn load(dataset: &Dataset, root: &Path, folder: &DataFile) -> Result<Raw> {
    let (raw, problems) = read(dataset, root, folder)?;
    if problems.is_empty() {
        return Ok(raw);
    }
    let more = if problems.len() > MAX_LISTED {
        format!("; and {} more", problems.len() - MAX_LISTED)
    } else {
        String::new()
    };
    bail!("{}{more}", problems[..problems.len().min(MAX_LISTED)].join("; "))
}

/// Returns the usable images of a folder, and a list of problems: a line for each sub-folder that
/// is not a class, each class without images, and each file that is not a usable image.
///
/// # Errors
/// Fails if a folder or file cannot be read.
pub(super) fn read(
    dataset: &Dataset,
    root: &Path,
    folder: &DataFile,
) -> Result<(Raw, Vec<String>)> {
    let set = root.join(&folder.path);
    let mut problems = unknown_folders(dataset, &set)?;
    let (paths, labels) = image_files(dataset, &set, &mut problems)?;
    let shape = dataset.input().shape();
    let cache = ScaledCache::new(dataset, root, &folder.path, &paths)?;
    if let Some(pixels) = cache.read() {
        return Ok((Raw { shape, pixels, labels }, problems));
    }
    let mut raw = Raw {
        shape,
        pixels: Vec::with_capacity(paths.len() * shape.elements()),
        labels: Vec::new(),
    };
    let mut unusable = Vec::new();
    for ((path, label), pixels) in paths.iter().zip(labels).zip(decode_all(&paths, dataset)) {
        match pixels {
            Ok(pixels) => {
                raw.pixels.extend(pixels);
                raw.labels.push(label);
            }
            Err(error) => unusable.push(format!("{}: {error:#}", path.display())),
        }
    }
    if unusable.is_empty() {
        cache.write(&raw.pixels);
    }
    problems.extend(unusable);
    Ok((raw, problems))
}

/// Returns the files in the folders of all classes, with their labels.
fn image_files(
    dataset: &Dataset,
    set: &Path,
    problems: &mut Vec<String>,
) -> Result<(Vec<PathBuf>, Vec<u16>)> {
    let (mut paths, mut labels) = (Vec::new(), Vec::new());
    for (label, class) in dataset.classes.iter().enumerate() {
        let folder = set.join(class);
        let entries = if folder.is_dir() { sorted_entries(&folder)? } else { Vec::new() };
        if entries.is_empty() {
            let state = if folder.is_dir() { "is empty" } else { "does not exist" };
            problems.push(format!(
                "{}: the folder of class {class:?} {state}; put its images there, or take it out of `classes`",
                folder.display()
            ));
        }
        for path in entries {
            if path.is_file() {
                paths.push(path);
                labels.push(u16::try_from(label).context("too many classes")?);
            } else {
                problems.push(format!(
                    "{}: not a plain file; the folder of a class may only have image files directly in it",
                    path.display()
                ));
            }
        }
    }
    Ok((paths, labels))
}

/// Returns the pixels of all image files, decoded on all cores.
fn decode_all(paths: &[PathBuf], dataset: &Dataset) -> Vec<Result<Vec<u8>>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let decode_some =
        |paths: &[PathBuf]| paths.iter().map(|path| read_image(path, dataset)).collect::<Vec<_>>();
    std::thread::scope(|scope| {
        let shares = paths.chunks(paths.len().div_ceil(threads).max(1));
        let workers: Vec<_> = shares.map(|share| scope.spawn(move || decode_some(share))).collect();
        workers
            .into_iter()
            .flat_map(|worker| {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    })
}

/// Returns a problem for each folder that is not a class. The name may be misspelt, there or in the
/// description.
fn unknown_folders(dataset: &Dataset, folder: &Path) -> Result<Vec<String>> {
    let is_class = |path: &Path| {
        dataset.classes.iter().any(|class| path.file_name() == Some(OsStr::new(class)))
    };
    let unknown =
        sorted_entries(folder)?.into_iter().filter(|path| path.is_dir() && !is_class(path));
    Ok(unknown
        .map(|path| {
            format!("{}: the folder is not one of the classes in dataset.json", path.display())
        })
        .collect())
}

fn read_image(path: &Path, dataset: &Dataset) -> Result<Vec<u8>> {
    let bytes = reading::read(path, MAX_IMAGE_BYTES)?;
    decode(&bytes, dataset).context("not a usable image")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::test_support::description;
    use crate::dataset::{Census, Format, Normalisation, Split};
    use crate::files::json;
    use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
    use sha2::{Digest, Sha256};
    use std::fs;

    fn write_image(path: &Path, side: u32, colour: [u8; 3]) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let format = ImageFormat::from_path(path).unwrap();
        DynamicImage::from(RgbImage::from_pixel(side, side, Rgb(colour)))
            .save_with_format(path, format)
            .unwrap();
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

    fn error_after(change: &dyn Fn(&Path)) -> String {
        let (dir, _) = fixture();
        change(dir.path());
        format!("{:#}", Dataset::load(dir.path(), Split::Train).unwrap_err())
    }

    #[test]
    fn images_are_resized_to_planes_in_the_order_of_classes() {
        let (dir, _) = fixture();
        let images = Dataset::load(dir.path(), Split::Test).unwrap();
        assert_eq!(images.labels, [0, 0, 1]);
        let planes =
            |image: usize| images.image(image).chunks(16).map(|plane| plane[5]).collect::<Vec<_>>();
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
    fn unexpected_folders_and_files_are_named() {
        let unknown = error_after(&|dir| fs::create_dir(dir.join("train/fish")).unwrap());
        assert!(unknown.contains("train/fish: the folder is not one of the classes"), "{unknown}");
        let damaged =
            error_after(&|dir| fs::write(dir.join("train/dog/1.png"), b"no image").unwrap());
        assert!(damaged.contains("1.png") && damaged.contains("not a usable image"), "{damaged}");
        let nested = error_after(&|dir| fs::create_dir(dir.join("train/dog/puppies")).unwrap());
        assert!(nested.contains("puppies: not a plain file"), "{nested}");
    }

    #[test]
    fn a_class_without_images_is_refused_by_its_name() {
        let missing = error_after(&|dir| fs::remove_dir_all(dir.join("train/dog")).unwrap());
        assert!(missing.contains("class \"dog\" does not exist"), "{missing}");
        for left in [None, Some(".DS_Store")] {
            let empty = error_after(&|dir| {
                fs::remove_file(dir.join("train/dog/1.png")).unwrap();
                left.iter()
                    .for_each(|name| fs::write(dir.join("train/dog").join(name), "").unwrap());
            });
            assert!(empty.contains("class \"dog\" is empty"), "{empty}");
        }
    }

    #[test]
    fn system_files_are_ignored() {
        let (dir, _) = fixture();
        let clean = Dataset::load(dir.path(), Split::TrainAndValidation).unwrap();
        for file in
            [".DS_Store", "cat/.DS_Store", "cat/._1.png", "dog/Thumbs.db", "dog/desktop.ini"]
        {
            fs::write(dir.path().join("train").join(file), "dropped").unwrap();
        }
        for folder in [".ipynb_checkpoints", "__MACOSX", "cat/.ipynb_checkpoints", "dog/@eaDir"] {
            fs::create_dir(dir.path().join("train").join(folder)).unwrap();
        }
        assert_eq!(Dataset::load(dir.path(), Split::TrainAndValidation).unwrap(), clean);
    }

    #[test]
    fn all_problems_are_listed_at_once() {
        let (dir, _) = fixture();
        fs::write(dir.path().join("train/cat/3.png"), "").unwrap();
        fs::write(dir.path().join("train/dog/notes.txt"), "woof").unwrap();
        fs::create_dir(dir.path().join("test/brid")).unwrap();
        let census = Census::take(dir.path()).unwrap();
        let problems = census.problems.join("\n");
        assert_eq!(census.problems.len(), 3, "{problems}");
        for part in
            ["train/cat/3.png: not a usable image: the file is empty", "notes.txt", "test/brid"]
        {
            assert!(problems.contains(part), "{problems}");
        }
        let counts: Vec<_> =
            census.classes.iter().map(|c| (c.train, c.validation, c.test)).collect();
        assert_eq!(counts, [(1, 1, 2), (1, 0, 1)]);
    }

    /// Cached pixels are used only for the same files, in the same order, at the same size.
    #[test]
    fn images_are_scaled_once_and_again_after_a_change() {
        let (dir, mut dataset) = fixture();
        let load = || Dataset::load(dir.path(), Split::Test).unwrap();
        let cached = || -> Vec<PathBuf> {
            let mut paths: Vec<_> = fs::read_dir(dir.path().join(".scaled"))
                .unwrap()
                .map(|e| e.unwrap().path())
                .collect();
            paths.sort();
            paths
        };
        let (first, path) = (load(), cached().remove(0));
        // Other pixels with a valid hash are taken, so the images were not decoded. Damaged ones
        // are not.
        let pixels = vec![9; first.pixels.len()];
        fs::write(&path, [&pixels[..], &Sha256::digest(&pixels)].concat()).unwrap();
        assert_eq!(load().pixels, pixels);
        fs::write(&path, [&pixels[1..], &Sha256::digest(&pixels)].concat()).unwrap();
        assert_eq!(load(), first);
        // Two classes exchange their only images, which have the same names.
        for (from, to) in [("cat", "x"), ("dog", "cat"), ("x", "dog")] {
            fs::rename(dir.path().join("test").join(from), dir.path().join("test").join(to))
                .unwrap();
        }
        assert_eq!(load().labels, [0, 1, 1]);
        assert_ne!(load().pixels, first.pixels);
        assert_eq!(cached().len(), 1, "outdated entries are removed");
        dataset.height = 8;
        json::write(&dir.path().join("dataset.json"), &dataset).unwrap();
        assert_eq!(load().shape.height, 8);
    }

    #[test]
    fn a_census_has_the_moments_of_the_training_images() {
        let (dir, _) = fixture();
        fs::remove_file(dir.path().join("train/cat/2.jpg")).unwrap();
        let census = Census::take(dir.path()).unwrap();
        assert_eq!(census.problems, [""; 0]);
        for (channel, (low, high)) in
            [(10.0, 200.0), (20.0, 100.0), (30.0, 50.0)].into_iter().enumerate()
        {
            assert!((census.mean[channel] - (low + high) / 2.0 / 255.0).abs() < 1e-12);
            assert!((census.std[channel] - (high - low) / 2.0 / 255.0).abs() < 1e-12);
        }
    }
}
