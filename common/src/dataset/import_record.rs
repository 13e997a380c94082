//! `import.json`: what an import found in a folder, what it decided and what it left out.

use super::checks::check_printable;
use super::description::check_shape;
use super::fault::{self, Fault, FaultKind};
use crate::files::json::Document;
use crate::files::ranges::{IMAGES, SHARE, all_within, within};
use crate::network::Shape;
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// Maximum number of files that [`ImportRecord::left_out`] lists.
pub const MAX_LEFT_OUT: usize = 200;

/// What an import found, decided and left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportRecord {
    /// Name of the data set.
    pub name: String,
    /// Absolute path of the folder or file.
    pub folder: String,
    /// Layout that was found.
    pub layout: Layout,
    /// Channels of an image: 1 or 3.
    pub channels: usize,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// How the images got this size; `null` if they had it.
    pub scaling: Option<Scaling>,
    /// Numbers of images of each class, in the order of labels.
    pub classes: Vec<ImportedClass>,
    /// Choice of the test images.
    pub test: Choice,
    /// Choice of the validation images.
    pub validation: Choice,
    /// Mean of the training images' pixels scaled to 0..1, for each channel.
    pub mean: Vec<f64>,
    /// Standard deviation of the same pixels, for each channel.
    pub std: Vec<f64>,
    /// Files that were left out, at most [`MAX_LEFT_OUT`]; `faults` has the count of each kind.
    pub left_out: Vec<LeftOut>,
    /// Number of files and folders of operating systems, which were ignored.
    pub system_files: usize,
    /// Everything unusual, the numbers of files left out included.
    pub faults: Vec<Fault>,
}

/// A layout of images and their classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Pictures in one folder for each class.
    ClassFolders,
    /// Pictures, and lists of their files and classes.
    LabelList,
    /// NumPy arrays in an archive.
    Npz,
    /// NumPy arrays in files of their own.
    Npy,
    /// CIFAR's Python version.
    CifarPython,
    /// CIFAR's binary version.
    CifarBinary,
    /// Files of MNIST's format.
    Idx,
    /// A folder with a `dataset.json`.
    Dataset,
}

/// How images got their size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaling {
    /// Rule for images of another shape: `stretch`, `letterbox` or `crop`.
    pub resize: String,
    /// Filter.
    pub filter: String,
}

/// Numbers of images of one class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportedClass {
    /// Name of the class.
    pub class: String,
    /// Images of the training set, from which the validation images are drawn if none were found.
    pub train: usize,
    /// Images of a validation set that was found.
    pub validation: usize,
    /// Test images.
    pub test: usize,
}

/// The choice of a split's images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Choice {
    /// They were found as such.
    Found,
    /// They are drawn from the training images of each class.
    Drawn {
        /// Share of the training images.
        fraction: f64,
        /// Seed that chooses them.
        seed: u64,
    },
}

/// A file that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// Path below the folder.
    pub file: String,
    /// Kind of reason.
    pub kind: FaultKind,
    /// Reason for people.
    pub reason: String,
}

impl Document for ImportRecord {
    const KIND: &'static str = "import";

    fn check(&self) -> Result<()> {
        check_printable("name", &self.name)?;
        let ImportRecord { channels, height, width, .. } = *self;
        check_shape(Shape { channels, height, width })?;
        for (index, class) in self.classes.iter().enumerate() {
            for (key, count) in
                [("train", class.train), ("validation", class.validation), ("test", class.test)]
            {
                within(&format!("classes[{index}].{key}"), count, &IMAGES)?;
            }
        }
        for (key, choice) in [("test", self.test), ("validation", self.validation)] {
            if let Choice::Drawn { fraction, .. } = choice {
                within(&format!("{key}.fraction"), fraction, &SHARE)?;
            }
        }
        all_within("mean", self.mean.iter().copied(), &SHARE)?;
        all_within("std", self.std.iter().copied(), &SHARE)?;
        within("system_files", self.system_files, &IMAGES)?;
        ensure!(self.left_out.len() <= MAX_LEFT_OUT, "left_out has over {MAX_LEFT_OUT} files");
        fault::check_all(&self.faults)
    }
}
