//! `files.json`: the files that a copy of a folder was made from, for the comparison with the
//! folder.

use super::checks::check_sha256;
use super::description::Dataset;
use super::fault::FaultKind;
use super::import_record::Layout;
use crate::files::json::Document;
use crate::files::ranges::{BYTES, IMAGES, within};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// Times in nanoseconds since 1970, up to 146 years before and after.
pub(super) const TIMES: std::ops::RangeInclusive<i64> = -(1 << 62)..=1 << 62;
/// Sides of a picture in pixels.
const SIDE: std::ops::RangeInclusive<usize> = 1..=1 << 24;

/// The files that a copy was made from, and what became of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportedFiles {
    /// Absolute path of the folder or file.
    pub folder: String,
    /// Layout that was found.
    pub layout: Layout,
    /// Seed that chose the test images.
    pub seed: u64,
    /// `dataset.json` as the import wrote it. Keys that differ in the file itself were edited.
    pub dataset: Dataset,
    /// All files but those of operating systems, sorted by path.
    pub files: Vec<ImportedFile>,
}

/// A file of the folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportedFile {
    /// Path below the folder.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Time of the last change, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// SHA-256 of the file; `null` if it was not read.
    pub sha256: Option<String>,
    /// What became of the file.
    pub contents: Contents,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Contents {
    /// A picture that became an image of the copy.
    Picture {
        /// Its class.
        class: String,
        /// The set that the image is in.
        split: ImportedSplit,
        /// Index of the image in its set.
        image: usize,
        /// Rows of the picture.
        height: usize,
        /// Columns of the picture.
        width: usize,
        /// Whether red, green and blue are equal in every pixel.
        grey: bool,
        /// Whether it has 16 bits for each channel.
        sixteen_bit: bool,
    },
    /// A file of many images or of labels.
    Many,
    /// A file that was left out.
    LeftOut {
        /// Kind of reason.
        fault: FaultKind,
        /// Reason for people.
        reason: String,
    },
}

/// A set of images in the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImportedSplit {
    /// Training images.
    Train,
    /// A validation set that was found.
    Validation,
    /// Test images.
    Test,
}

impl Document for ImportedFiles {
    const KIND: &'static str = "import-files";

    fn check(&self) -> Result<()> {
        self.dataset.check().context("dataset")?;
        self.files.iter().try_for_each(|file| file.check().with_context(|| file.path.clone()))
    }
}

impl ImportedFile {
    fn check(&self) -> Result<()> {
        within("bytes", self.bytes, &BYTES)?;
        within("modified_ns", self.modified_ns, &TIMES)?;
        self.sha256.iter().try_for_each(|sha256| check_sha256(sha256))?;
        match &self.contents {
            Contents::Picture { image, height, width, .. } => {
                within("image", *image, &IMAGES)?;
                within("height", *height, &SIDE)?;
                within("width", *width, &SIDE)
            }
            Contents::Many | Contents::LeftOut { .. } => Ok(()),
        }
    }
}
