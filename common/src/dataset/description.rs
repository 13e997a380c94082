//! `dataset.json`: the description of a data set and its files.

use super::checks::{check_inside, check_printable, check_sha256};
use super::source::Source;
use crate::files::json::{self, Document};
use crate::files::ranges::within;
use crate::files::temporary::PARTIAL;
use crate::network::{Input, Shape};
use crate::resize::{Resize, is_default};
use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::path::{Component, Path};

/// A data set as described in `dataset.json` and in the recipes of `pipelines/datasets`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Name, as in `make data DATASET=name`.
    pub name: String,
    /// Contents, authors and licence, for people.
    pub about: String,
    /// Layout of the files.
    pub format: Format,
    /// Channels of an image: 1 or 3.
    pub channels: usize,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// Rule for pictures of another shape.
    #[serde(default, with = "crate::resize", skip_serializing_if = "is_default")]
    pub resize: Resize,
    /// Names of the classes, in the order of their labels.
    pub classes: Vec<String>,
    /// Values that networks subtract and divide by.
    pub normalisation: Normalisation,
    /// Choice of the validation images from the training set; `None` if there are files of a
    /// validation set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,
    /// Files of the training set. `idx` has images, then labels; `cifar*` has records;
    /// `image-folder` has one folder; `image-list` has a list, then the folder that its paths are
    /// relative to.
    pub train: Vec<DataFile>,
    /// Files of the validation set, in the same way; empty if its images are chosen from the
    /// training set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub val: Vec<DataFile>,
    /// Files of the test set, in the same way.
    pub test: Vec<DataFile>,
    /// Sources of the files, in the order in which they are tried.
    pub sources: Vec<Source>,
}

/// A layout of a data set's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// The format of MNIST: a file of images and a file of labels, plain or gzip.
    Idx,
    /// CIFAR-10's binary version: records of a label and 3,072 bytes.
    Cifar10,
    /// CIFAR-100's binary version: records of a coarse label, a fine label and 3,072 bytes.
    Cifar100,
    /// A folder with one sub-folder of PNG or JPEG files per class.
    ImageFolder,
    /// A CSV file of image files and their classes, and the folder of these files.
    ImageList,
}

/// Mean and standard deviation for each channel, of pixel values scaled to 0..1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalisation {
    /// Values that are subtracted.
    pub mean: Vec<f32>,
    /// Values that the differences are divided by.
    pub std: Vec<f32>,
}

/// The part of the training set that is held out for validation; the same images in every run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    /// Share of the training set.
    pub fraction: f64,
    /// Seed that chooses the images.
    pub seed: u64,
    /// `true` if the share is taken from each class, with at least one image of each class that has
    /// two; `false` if it is taken from all images, whatever their class.
    #[serde(default = "by_class")]
    pub by_class: bool,
}

/// Default for new descriptions. Published descriptions of earlier versions say `false`.
fn by_class() -> bool {
    true
}

/// One file of a data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFile {
    /// Path relative to the data set's folder.
    pub path: String,
    /// SHA-256 of the uncompressed file; `null` if the file is not checked.
    pub sha256: Option<String>,
}

impl Document for Dataset {
    const KIND: &'static str = "dataset";

    fn check(&self) -> Result<()> {
        check_printable("name", &self.name)?;
        check_shape(self.input().shape())?;
        self.check_classes()?;
        self.input().check()?;
        self.check_validation()?;
        self.check_number_of_files("train", &self.train)?;
        self.check_number_of_files("test", &self.test)?;
        self.files().try_for_each(DataFile::check)?;
        self.sources.iter().try_for_each(|source| self.check_source(source))
    }
}

impl Dataset {
    fn check_validation(&self) -> Result<()> {
        match (&self.validation, self.val.is_empty()) {
            (Some(validation), true) => validation.check(),
            (None, false) => self.check_number_of_files("val", &self.val),
            (Some(_), false) => bail!(
                "there are `validation` and `val`; keep `val` if the validation images have files \
                 of their own, else `validation`"
            ),
            (None, true) => bail!(
                "there is neither `validation`, the share of the training images that is held out, \
                 nor `val`, the files of a validation set"
            ),
        }
    }

    fn check_number_of_files(&self, key: &str, files: &[DataFile]) -> Result<()> {
        let complete = match self.format {
            Format::Idx | Format::ImageList => files.len() == 2,
            Format::ImageFolder => files.len() == 1,
            Format::Cifar10 | Format::Cifar100 => !files.is_empty(),
        };
        ensure!(complete, "{key}: wrong number of files ({}) for this format", files.len());
        Ok(())
    }

    fn check_source(&self, source: &Source) -> Result<()> {
        source.check()?;
        let unknown = source.paths().iter().find(|path| self.files().all(|f| f.path != **path));
        ensure!(
            unknown.is_none(),
            "sources: the path {:?} is not that of a file of the data set",
            unknown.map_or("", String::as_str)
        );
        Ok(())
    }

    fn check_classes(&self) -> Result<()> {
        ensure!(
            (2..=10_000).contains(&self.classes.len()),
            "{} classes are listed; it takes at least two to tell apart, and at most 10000",
            self.classes.len()
        );
        for (index, class) in self.classes.iter().enumerate() {
            ensure!(!self.classes[..index].contains(class), "the class {class:?} is listed twice");
            // This excludes `a/`, which is the same folder as `a`.
            let is_name = Path::new(class).file_name() == Some(OsStr::new(class));
            ensure!(
                self.format != Format::ImageFolder || is_name,
                "the class {class:?} cannot be the name of a folder with its images"
            );
        }
        Ok(())
    }
}

/// Checks the shape of a data set's images.
pub(super) fn check_shape(shape: Shape) -> Result<()> {
    let Shape { channels, height, width } = shape;
    ensure!(channels == 1 || channels == 3, "channels {channels} must be 1 or 3");
    within("height", height, &(1..=4096))?;
    within("width", width, &(1..=4096))
}

impl Validation {
    pub(super) fn check(&self) -> Result<()> {
        let fraction = self.fraction;
        ensure!(
            fraction > 0.0 && fraction < 1.0,
            "validation.fraction {fraction} must be between 0 and 1"
        );
        Ok(())
    }
}

impl DataFile {
    fn check(&self) -> Result<()> {
        let DataFile { path, sha256 } = self;
        check_inside("path", path)?;
        let names =
            || Path::new(path).components().filter(|part| matches!(part, Component::Normal(_)));
        ensure!(
            names().next().is_some(),
            "the path {path:?} must name a file or folder in the data set's folder"
        );
        let reserved = names().any(|name| name.as_os_str().to_string_lossy().starts_with(PARTIAL))
            || names().map(Component::as_os_str).eq([OsStr::new("dataset.json")]);
        ensure!(!reserved, "the path {path:?} is reserved for files that NeuroPower writes");
        sha256.iter().try_for_each(|sha256| check_sha256(sha256))
    }
}

impl Dataset {
    /// Returns all files, those of the training set first. One that several sets use is repeated.
    pub fn files(&self) -> impl Iterator<Item = &DataFile> {
        self.train.iter().chain(&self.val).chain(&self.test)
    }

    /// Returns the input of networks for these images.
    pub fn input(&self) -> Input {
        Input {
            channels: self.channels,
            height: self.height,
            width: self.width,
            mean: self.normalisation.mean.clone(),
            std: self.normalisation.std.clone(),
            resize: self.resize,
        }
    }

    /// Reads a description. `path` is a folder with a `dataset.json`, or the description itself,
    /// such as a recipe.
    ///
    /// # Errors
    /// Fails if the file cannot be read, or is not a valid description.
    pub fn describe(path: &Path) -> Result<Dataset> {
        json::read(&if path.is_dir() { path.join("dataset.json") } else { path.to_path_buf() })
    }

    /// Returns the number of images of each class.
    pub(super) fn images_per_class(&self, labels: &[u16]) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        labels.iter().for_each(|label| counts[usize::from(*label)] += 1);
        counts
    }
}

/// Returns the folder that a description's paths are relative to.
pub(super) fn base_folder(path: &Path) -> &Path {
    if path.is_dir() { path } else { path.parent().unwrap_or(Path::new(".")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::test_support::description;

    fn error(change: &dyn Fn(&mut Dataset)) -> Option<String> {
        let file = DataFile { path: "train".into(), sha256: None };
        let mut dataset = description(Format::ImageFolder, 4, ["a", "b"], vec![file]);
        change(&mut dataset);
        dataset.check().err().map(|error| error.to_string())
    }

    #[test]
    fn normalisation_must_be_of_pixels_scaled_to_0_to_1() {
        let with = |mean: f32, std: f32| {
            error(&|dataset: &mut Dataset| {
                dataset.normalisation =
                    Normalisation { mean: vec![0.5, mean, 0.5], std: vec![0.25, std, 0.25] };
            })
        };
        for (mean, std) in [(0.0, 0.5), (1.0, 0.001), (0.0, 1.0)] {
            assert_eq!(with(mean, std), None);
        }
        for (mean, std, named) in [
            (123.68, 0.2, "123.68"),
            (1.01, 0.2, "1.01"),
            (-0.1, 0.2, "-0.1"),
            (f32::NAN, 0.2, "NaN"),
            (0.5, 58.4, "58.4"),
            (0.5, 0.51, "0.51"),
            (0.5, 0.0, "std 0"),
            (0.5, f32::NAN, "NaN"),
        ] {
            let error = with(mean, std).unwrap();
            assert!(
                error.contains(named) && error.contains("divide those of 0..255 by 255"),
                "{error}"
            );
        }
    }

    #[test]
    fn control_characters_and_incomplete_hashes_are_refused() {
        let clear = "\u{1b}[2J";
        for error in [
            error(&|dataset| dataset.name = clear.into()),
            error(&|dataset| dataset.train[0].path = clear.into()),
        ] {
            assert!(error.unwrap().contains("has a control character"));
        }
        for hash in ["", "abc", &"A".repeat(64), &"g".repeat(64)] {
            let error = error(&|dataset| dataset.train[0].sha256 = Some(hash.into())).unwrap();
            assert!(error.contains("must be 64 hexadecimal digits"), "{error}");
        }
        assert_eq!(error(&|dataset| dataset.train[0].sha256 = Some("0a".repeat(32))), None);
    }

    #[test]
    fn validation_images_are_a_share_or_have_files_of_their_own() {
        let folder = || vec![DataFile { path: "val".into(), sha256: None }];
        assert_eq!(error(&|dataset| (dataset.validation, dataset.val) = (None, folder())), None);
        let neither = error(&|dataset| dataset.validation = None).unwrap();
        assert!(neither.contains("neither `validation`"), "{neither}");
        let both = error(&|dataset| dataset.val = folder()).unwrap();
        assert!(both.contains("`validation` and `val`"), "{both}");
        let two = error(&|dataset| {
            (dataset.validation, dataset.val) = (None, [folder(), folder()].concat());
        });
        assert!(two.unwrap().contains("val: wrong number of files (2)"));
        let outside = error(&|dataset| {
            (dataset.validation, dataset.val) = (None, folder());
            dataset.val[0].path = "../val".into();
        });
        assert!(outside.unwrap().contains("leaves the data set's folder"));
    }

    #[test]
    fn a_source_gives_files_of_the_data_set() {
        let with = |path: &str| {
            error(&|dataset: &mut Dataset| {
                dataset.sources =
                    vec![Source::Folder { path: "/media".into(), paths: vec![path.into()] }];
            })
        };
        assert_eq!(with("train"), None);
        assert!(with("tarin").unwrap().contains("\"tarin\" is not that of a file"));
    }

    #[test]
    fn paths_stay_in_the_folder() {
        let with = |path: &str| error(&|dataset: &mut Dataset| dataset.train[0].path = path.into());
        for path in ["train", "./train", "images/train/", "./a/./b"] {
            assert_eq!(with(path), None, "{path}");
        }
        for path in ["../train", "/train", "train/../..", "./.."] {
            assert!(with(path).unwrap().contains("leaves the data set's folder"), "{path}");
        }
        for path in ["", ".", "./"] {
            assert!(with(path).unwrap().contains("must name a file or folder"), "{path}");
        }
        for path in ["dataset.json", "./dataset.json", ".partial-1", "train/.partial-2/x"] {
            assert!(with(path).unwrap().contains("is reserved for"), "{path}");
        }
        assert_eq!(with("train/dataset.json"), None);
        for class in ["../secrets", "/secrets", "secrets/", "./secrets", "..", "", "secrets/a"] {
            let error = error(&|dataset: &mut Dataset| dataset.classes[1] = class.into()).unwrap();
            assert!(
                error.contains(&format!("the class {class:?} cannot be the name of a folder")),
                "{error}"
            );
        }
        assert_eq!(
            error(&|dataset| (dataset.format, dataset.classes[1]) = (Format::Cifar10, "a/b".into())),
            None
        );
    }
}
