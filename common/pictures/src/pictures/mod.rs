//! From the bytes of a picture's file to the pixels that a network reads.

mod error;
mod exif;
mod picture;
mod scale;
mod target;

pub use error::Error;
pub use picture::{Picture, pixels};
pub use target::{FILTER, Resize, Target};
