//! Faults of a data set: what may spoil a training or its figures, and files that were left out.

use crate::files::ranges::{IMAGES, within};
use anyhow::Result;
use serde::{Deserialize, Serialize};

/// Maximum number of examples that a fault lists.
pub const MAX_EXAMPLES: usize = 10;

/// Something that may spoil a training or its figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Kind of the fault.
    pub kind: FaultKind,
    /// Number of files, images, pairs of images or classes that have it.
    pub count: usize,
    /// A sentence for people.
    pub text: String,
    /// Some files, images or classes that have it, at most [`MAX_EXAMPLES`].
    pub examples: Vec<String>,
    /// Whether nothing can be trained because of it.
    pub stops: bool,
}

/// A kind of fault. Those of files mean that the files were left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// There are no images to train on.
    NoImages,
    /// All images are of one class.
    OneClass,
    /// Files that are damaged or incomplete pictures.
    Damaged,
    /// Files that are no pictures.
    NotAPicture,
    /// Pictures without a class.
    Unlabelled,
    /// Files that a list names and that do not exist.
    Missing,
    /// Links and paths that lead out of the folder.
    Outside,
    /// Files that cannot be read.
    Unreadable,
    /// Classes without a usable image.
    EmptyClass,
    /// Classes without an image in a split.
    MissingFromSplit,
    /// A class that has many times the images of another one.
    Imbalance,
    /// Images with equal pixels, one of them in the test set, the other not.
    EqualAcrossSplits,
    /// Images with nearly equal pixels, one of them in the test set, the other not.
    NearlyEqualAcrossSplits,
    /// Images with equal pixels and different labels.
    TwoLabels,
    /// Pictures with 16 bits for each channel, which are rounded to 8.
    SixteenBit,
    /// Pictures with far fewer pixels than the network reads.
    Small,
    /// Pictures whose longer side is many times the shorter one.
    ExtremeRatio,
    /// A problem with the files of a data set that has a `dataset.json`.
    Unusable,
}

impl Fault {
    pub(super) fn check(&self, key: &str) -> Result<()> {
        within(&format!("{key}.count"), self.count, &IMAGES)
    }
}

/// Checks all faults of a list.
pub(super) fn check_all(faults: &[Fault]) -> Result<()> {
    faults
        .iter()
        .enumerate()
        .try_for_each(|(index, fault)| fault.check(&format!("faults[{index}]")))
}
