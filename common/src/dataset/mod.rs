//! Data sets: `dataset.json` beside the images, in one of five formats, and the split into training
//! and validation images, which is the same in every stage. Nothing here trains, augments or
//! downloads.
//!
//! Training images are sorted by content before anything is drawn from them, so that no result
//! depends on the order or the names of files. Test images keep the order of their files, because
//! each is computed by itself.

mod census;
mod checks;
mod cifar;
mod decode;
mod description;
mod fault;
mod files;
mod folder;
mod identity;
mod idx;
mod images;
mod import_record;
mod imported_files;
mod list;
mod load;
mod moments;
mod photos;
mod scaled_cache;
mod source;
mod split;
#[cfg(test)]
mod test_support;

pub use census::{Census, ClassCensus, UsableImages};
pub use description::{DataFile, Dataset, Format, Normalisation, Validation};
pub use fault::{Fault, FaultKind, MAX_EXAMPLES};
pub use files::{MAX_FILE_BYTES, MAX_RATIO, Unpacked, is_system_file};
pub use identity::{Identity, ImageHashes};
pub use images::Images;
pub use import_record::{
    Choice, ImportRecord, ImportedClass, Layout, LeftOut, MAX_LEFT_OUT, Scaling,
};
pub use imported_files::{Contents, ImportedFile, ImportedFiles, ImportedSplit};
pub use load::TrainingSet;
pub use moments::moments;
pub use scaled_cache::{ScaledFile, ScaledIndex};
pub use source::Source;
pub use split::Split;
