//! Data sets: `dataset.json` beside the images, in one of four formats, and the split that every
//! stage agrees on.
//!
//! Training images are put in a canonical order before anything is drawn from them, so that no
//! result depends on the order or the names of files. Test images stay in the order of their files:
//! each is computed by itself.

mod census;
mod checks;
mod cifar;
mod decode;
mod description;
mod files;
mod folder;
mod identity;
mod idx;
mod images;
mod load;
mod scaled;
mod source;
mod split;
#[cfg(test)]
mod test_support;

pub use census::{Census, ClassCensus};
pub use description::{DataFile, Dataset, Format, Normalisation, Validation};
pub use files::{MAX_FILE_BYTES, MAX_RATIO, Unpacked, is_dropped_by_systems};
pub use identity::Identity;
pub use images::Images;
pub use load::TrainingSet;
pub use source::Source;
pub use split::Split;
