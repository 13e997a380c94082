//! An image in the shape of its data set.

use common::dataset::ImportedSplit;

/// An image of a set.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// Index of its class.
    pub(crate) class: usize,
    /// The set that it is in.
    pub(crate) split: ImportedSplit,
    /// Hash of its source, by which test images are drawn.
    pub(crate) source_sha256: String,
    /// Hash of its pixels.
    pub(crate) sha256: String,
    /// Planes of pixels.
    pub(crate) pixels: Vec<u8>,
    /// Name for people.
    pub(crate) name: String,
    /// Index of its file among the files that were found, if it has one of its own.
    pub(crate) item: Option<usize>,
}
