//! Data sets: `dataset.json` beside the images, in one of four formats, and the split that every stage agrees on.

mod cifar;
mod folder;
mod idx;
mod split;

pub use split::Split;

use crate::hash::sha256_hex;
use crate::json::{self, Document};
use crate::network::{Input, Shape};
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// No file of a data set is larger than this when unpacked; a damaged or hostile one stops here.
const MAX_FILE_BYTES: u64 = 4 << 30;

/// `dataset.json`, and with it the recipes in `pipelines/datasets`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Name, as in `make data DATASET=name`.
    pub name: String,
    /// What it is, who made it, under which licence.
    pub about: String,
    /// How the files are laid out.
    pub format: Format,
    /// Channels of an image: 1 or 3.
    pub channels: usize,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// Names of the classes, in the order of their labels.
    pub classes: Vec<String>,
    /// What networks subtract and divide by.
    pub normalisation: Normalisation,
    /// Which training images judge candidates.
    pub validation: Validation,
    /// Files of the training set: for `idx` images then labels, for `cifar*` records, for `image-folder` one folder.
    pub train: Vec<DataFile>,
    /// Files of the test set, likewise.
    pub test: Vec<DataFile>,
    /// Where the files can be had, in the order in which they are tried.
    pub sources: Vec<Source>,
}

/// How a data set's files are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// MNIST's: one file of images, one of labels, plain or gzip.
    Idx,
    /// CIFAR-10's binary version: records of a label and 3,072 bytes.
    Cifar10,
    /// CIFAR-100's binary version: records of a coarse label, a fine label and 3,072 bytes.
    Cifar100,
    /// A folder with one sub-folder of PNG or JPEG files per class.
    ImageFolder,
}

/// Per channel, over pixel values scaled to 0..1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalisation {
    /// Subtracted.
    pub mean: Vec<f32>,
    /// Divided by.
    pub std: Vec<f32>,
}

/// The part of the training set that judges candidates; the same images in every run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    /// Share of the training set.
    pub fraction: f64,
    /// Which images.
    pub seed: u64,
}

/// One file of a data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFile {
    /// Relative to the data set's folder.
    pub path: String,
    /// SHA-256 of the uncompressed file; `null` if it is not to be checked.
    pub sha256: Option<String>,
}

/// Where files can be had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Source {
    /// A folder, relative to where `make` runs.
    Folder {
        /// The folder.
        path: String,
    },
    /// Single files over https.
    Https {
        /// What comes before each file's path.
        base: String,
        /// What comes after it.
        suffix: String,
    },
    /// A gzipped tar archive over https.
    HttpsArchive {
        /// Its address.
        url: String,
        /// SHA-256 of the archive.
        sha256: String,
        /// The folder in it that holds the files.
        folder: String,
    },
    /// An npm package, by `npm pack`.
    Npm {
        /// Its name.
        package: String,
        /// Its version.
        version: String,
        /// The folder in it that holds the files.
        folder: String,
    },
    /// A Debian package, by `apt-get download`.
    Debian {
        /// Its name.
        package: String,
        /// The folder in it that holds the files.
        folder: String,
    },
}

impl Document for Dataset {
    const KIND: &'static str = "dataset";

    fn check(&self) -> Result<()> {
        ensure!(self.channels == 1 || self.channels == 3, "channels {} must be 1 or 3", self.channels);
        for (name, side) in [("height", self.height), ("width", self.width)] {
            ensure!((1..=4096).contains(&side), "{name} {side} must be 1 to 4096");
        }
        ensure!(
            (2..=10_000).contains(&self.classes.len()),
            "{} classes are listed; it takes at least two to tell apart, and at most 10000",
            self.classes.len()
        );
        for (index, class) in self.classes.iter().enumerate() {
            ensure!(!self.classes[..index].contains(class), "the class {class:?} is listed twice");
        }
        let Normalisation { mean, std } = &self.normalisation;
        ensure!(
            mean.len() == self.channels && std.len() == self.channels,
            "normalisation needs one mean and one std for each of the {} channels",
            self.channels
        );
        ensure!(std.iter().all(|s| s.is_finite() && *s > 0.0), "every normalisation std must be above 0");
        let fraction = self.validation.fraction;
        ensure!(fraction > 0.0 && fraction < 1.0, "validation.fraction {fraction} must be between 0 and 1");
        for (split, files) in [("train", &self.train), ("test", &self.test)] {
            let complete = match self.format {
                Format::Idx => files.len() == 2,
                Format::ImageFolder => files.len() == 1,
                Format::Cifar10 | Format::Cifar100 => !files.is_empty(),
            };
            ensure!(complete, "{split}: wrong number of files ({}) for this format", files.len());
        }
        for file in self.files() {
            let inside = Path::new(&file.path).components().all(|part| matches!(part, Component::Normal(_)));
            ensure!(inside && !file.path.is_empty(), "the path {:?} leaves the data set's folder", file.path);
        }
        Ok(())
    }
}

impl Dataset {
    /// All files, training set first.
    pub fn files(&self) -> impl Iterator<Item = &DataFile> {
        self.train.iter().chain(&self.test)
    }

    /// The input of networks for these images.
    pub fn input(&self) -> Input {
        Input {
            channels: self.channels,
            height: self.height,
            width: self.width,
            mean: self.normalisation.mean.clone(),
            std: self.normalisation.std.clone(),
        }
    }

    /// Reads a description: `path` is a folder with a `dataset.json`, or the description itself, such as a recipe.
    pub fn describe(path: &Path) -> Result<Dataset> {
        json::read(&if path.is_dir() { path.join("dataset.json") } else { path.to_path_buf() })
    }

    /// Reads the images of one split from the data set in `folder`; files that have a hash are checked against it.
    ///
    /// # Errors
    /// Files that are missing, damaged or not what the description says; a split without images, or images of a single
    /// class.
    pub fn load(folder: &Path, split: Split) -> Result<Images> {
        let (dataset, images) = Self::load_whole(folder, split == Split::Test)?;
        dataset.part(images, split)
    }

    /// Reads the training set once and gives its training and its validation images.
    ///
    /// # Errors
    /// As [`Dataset::load`].
    pub fn load_train_and_validation(folder: &Path) -> Result<(Images, Images)> {
        let (dataset, images) = Self::load_whole(folder, false)?;
        Ok((dataset.part(images.clone(), Split::Train)?, dataset.part(images, Split::Validation)?))
    }

    /// The whole training or test set.
    fn load_whole(folder: &Path, test: bool) -> Result<(Dataset, Images)> {
        let dataset = Self::describe(folder)?;
        let root = if folder.is_dir() { folder } else { folder.parent().unwrap_or(Path::new(".")) };
        let images = dataset.load_from(root, test).with_context(|| format!("data set {}", dataset.name))?;
        Ok((dataset, images))
    }

    fn load_from(&self, root: &Path, test: bool) -> Result<Images> {
        let files = if test { &self.test } else { &self.train };
        let images = match self.format {
            Format::Idx => idx::load(self, root, files)?,
            Format::Cifar10 | Format::Cifar100 => cifar::load(self, root, files)?,
            Format::ImageFolder => folder::load(self, root, &files[0])?,
        };
        images.check(self)?;
        Ok(images)
    }

    /// The images of a split out of the whole set that it belongs to.
    fn part(&self, whole: Images, split: Split) -> Result<Images> {
        let images = match split {
            Split::Test => whole,
            Split::Train | Split::TrainAndValidation | Split::Validation => {
                whole.select(&split::indices(whole.len(), &self.validation, split))
            }
        };
        ensure!(!images.is_empty(), "data set {}: the {split} split has no images", self.name);
        Ok(images)
    }
}

/// Images of one split: 8-bit pixels and labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Images {
    /// Shape of each image.
    pub shape: Shape,
    /// All images, one after the other: channels, rows, columns.
    pub pixels: Vec<u8>,
    /// The class of each image.
    pub labels: Vec<u16>,
    /// SHA-256 over the uncompressed files that were read.
    pub sha256: String,
}

impl Images {
    /// How many images there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The pixels of one image.
    pub fn image(&self, index: usize) -> &[u8] {
        let elements = self.shape.elements();
        &self.pixels[index * elements..][..elements]
    }

    /// The images at some indices, in that order.
    pub fn select(&self, indices: &[usize]) -> Images {
        Images {
            shape: self.shape,
            pixels: indices.iter().flat_map(|&i| self.image(i)).copied().collect(),
            labels: indices.iter().map(|&i| self.labels[i]).collect(),
            sha256: self.sha256.clone(),
        }
    }

    fn check(&self, dataset: &Dataset) -> Result<()> {
        ensure!(!self.is_empty(), "it has no images");
        let expected = dataset.input().shape();
        ensure!(self.shape == expected, "its images are {}, but dataset.json says {expected}", self.shape);
        let classes = dataset.classes.len();
        if let Some(index) = self.labels.iter().position(|label| usize::from(*label) >= classes) {
            bail!(
                "image {index} has the label {}, but the labels of {classes} classes end at {}",
                self.labels[index],
                classes - 1
            );
        }
        let first = self.labels[0];
        ensure!(
            self.labels.iter().any(|label| *label != first),
            "all {} images are of class {:?}; at least two classes are needed",
            self.len(),
            dataset.classes[usize::from(first)]
        );
        Ok(())
    }
}

/// Reads one file of a data set, unpacking gzip, and checks its hash. The error says how to mend it.
fn read_file(root: &Path, file: &DataFile) -> Result<Vec<u8>> {
    let path = root.join(&file.path);
    let raw = std::fs::read(&path)
        .with_context(|| format!("{}: cannot read the file; `make data` places it", path.display()))?;
    let bytes = unpack(raw).with_context(|| damaged(&path))?;
    if let Some(expected) = &file.sha256 {
        let found = sha256_hex(&bytes);
        ensure!(found == *expected, "{}: its SHA-256 is {found}, not {expected}", damaged(&path));
    }
    Ok(bytes)
}

fn damaged(path: &Path) -> String {
    format!("{}: the file is damaged; remove it and run `make data`", path.display())
}

/// Unpacks gzip data, known by its first two bytes; anything else is returned as it is.
///
/// # Errors
/// Damaged data, or over 4 GiB.
pub fn unpack(raw: Vec<u8>) -> Result<Vec<u8>> {
    if !raw.starts_with(&[0x1f, 0x8b]) {
        return Ok(raw);
    }
    let mut bytes = Vec::new();
    let read = flate2::read::MultiGzDecoder::new(raw.as_slice()).take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    ensure!((read as u64) < MAX_FILE_BYTES, "it unpacks to over {MAX_FILE_BYTES} bytes");
    Ok(bytes)
}

/// The files of a folder in a fixed order.
fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || -> std::io::Result<Vec<PathBuf>> { std::fs::read_dir(folder)?.map(|e| Ok(e?.path())).collect() };
    let mut paths = read().with_context(|| format!("{}: cannot read the folder", folder.display()))?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A data set with two classes, without hashes, whose training and test set are the same files.
    pub(super) fn description(format: Format, side: usize, classes: [&str; 2], files: Vec<DataFile>) -> Dataset {
        Dataset {
            name: "made-to-order".into(),
            about: String::new(),
            format,
            channels: 3,
            height: side,
            width: side,
            classes: classes.map(str::to_string).to_vec(),
            normalisation: Normalisation { mean: vec![0.5; 3], std: vec![0.5; 3] },
            validation: Validation { fraction: 0.2, seed: 0 },
            train: files.clone(),
            test: files,
            sources: vec![],
        }
    }
}
