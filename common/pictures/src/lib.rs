//! From the bytes of a picture's file to the pixels that a network reads: decoding as viewers show
//! the picture, then scaling to the network's size and channels.
//!
//! Training and generated crates share this code: the modules of [`pictures`] are copied as they
//! are into generated crates, and [`SOURCES`] holds their text. Their tests are in `tests`, so that
//! the copies have none. They depend on the crate `image` only, and refer to each other by `super`.

pub mod pictures;

pub use pictures::{Error, FILTER, Picture, Resize, Target, pixels};

/// The source files of [`pictures`]: path below a generated crate's `src/pictures`, and text.
pub const SOURCES: &[(&str, &str)] = &[
    ("mod.rs", include_str!("pictures/mod.rs")),
    ("error.rs", include_str!("pictures/error.rs")),
    ("exif.rs", include_str!("pictures/exif.rs")),
    ("picture.rs", include_str!("pictures/picture.rs")),
    ("scale.rs", include_str!("pictures/scale.rs")),
    ("target.rs", include_str!("pictures/target.rs")),
];
