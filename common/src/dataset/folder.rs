//! Images in folders: one sub-folder for each class, with PNG or JPEG files of any size.

use super::description::{DataFile, Dataset};
use super::files::sorted_entries;
use super::images::Raw;
use super::photos::{Photo, PhotoFolder};
use anyhow::{Context, Result};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Returns the usable images of a folder, and a list of problems: a line for each sub-folder that
/// is not a class, each class without images, and each file that is not a usable image.
///
/// # Errors
/// Fails if a folder cannot be read.
pub(super) fn read(
    dataset: &Dataset,
    root: &Path,
    folder: &DataFile,
) -> Result<(Raw, Vec<String>)> {
    let set = PhotoFolder::new(dataset, root, folder, &folder.path);
    let cached = set.cached_instead();
    let mut problems = unknown_folders(dataset, set.path(), cached.as_deref())?;
    let mut photos = Vec::new();
    for (label, class) in dataset.classes.iter().enumerate() {
        let label = u16::try_from(label).context("too many classes")?;
        let paths = match &cached {
            Some(paths) => paths.iter().filter(|path| path.starts_with(class)).cloned().collect(),
            None => files_of_class(set.path(), class, &mut problems)?,
        };
        photos.extend(paths.into_iter().map(|path| Photo { path, label }));
    }
    Ok(set.read(&photos, problems))
}

/// Returns the files in the folder of a class, with paths relative to the folder of the set.
fn files_of_class(set: &Path, class: &str, problems: &mut Vec<String>) -> Result<Vec<PathBuf>> {
    let folder = set.join(class);
    let entries = if folder.is_dir() { sorted_entries(&folder)? } else { Vec::new() };
    if entries.is_empty() {
        let state = if folder.is_dir() { "is empty" } else { "does not exist" };
        problems.push(format!(
            "{}: the folder of class {class:?} {state}; put its images there, or take it out of `classes`",
            folder.display()
        ));
    }
    let (files, others): (Vec<_>, Vec<_>) = entries.into_iter().partition(|path| path.is_file());
    problems.extend(others.iter().map(|path| {
        format!(
            "{}: not a plain file; the folder of a class may only have image files directly in it",
            path.display()
        )
    }));
    let names = files.iter().filter_map(|path| path.file_name());
    Ok(names.map(|name| Path::new(class).join(name)).collect())
}

/// Returns a problem for each folder that is not a class. The name may be misspelt, there or in the
/// description. `cached` has the paths of the images if the folder of the set is not there.
fn unknown_folders(
    dataset: &Dataset,
    set: &Path,
    cached: Option<&[PathBuf]>,
) -> Result<Vec<String>> {
    let mut folders = match cached {
        Some(paths) => {
            paths.iter().filter_map(|path| Some(set.join(path.iter().next()?))).collect()
        }
        None => sorted_entries(set)?,
    };
    folders.dedup();
    let is_class = |path: &Path| {
        dataset.classes.iter().any(|class| path.file_name() == Some(OsStr::new(class)))
    };
    folders.retain(|path| !is_class(path) && (cached.is_some() || path.is_dir()));
    Ok(folders
        .iter()
        .map(|path| {
            format!("{}: the folder is not one of the classes in dataset.json", path.display())
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::test_support::{description, file, write_image};
    use crate::dataset::{Census, Format, Normalisation, Split};
    use crate::files::json;
    use std::fs;

    fn fixture() -> (tempfile::TempDir, Dataset) {
        let dir = tempfile::tempdir().unwrap();
        for split in ["train", "test"] {
            write_image(&dir.path().join(split).join("cat/1.png"), 4, [10, 20, 30]);
            write_image(&dir.path().join(split).join("cat/2.jpg"), 4, [10, 20, 30]);
            write_image(&dir.path().join(split).join("dog/1.png"), 9, [200, 100, 50]);
        }
        let mut dataset = description(Format::ImageFolder, 4, ["cat", "dog"], vec![file("train")]);
        dataset.test = vec![file("test")];
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
