//! The reasons for which a picture cannot be read.

use image::ImageError;
use std::fmt;

/// The reason for which a picture cannot be read. Its text is one sentence without the file's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The file has no bytes.
    Empty,
    /// The end of the file is missing.
    CutOff,
    /// The bytes are of no format that is read.
    Unknown,
    /// A side has over 65,535 pixels, or all pixels take over 512 MiB.
    TooLarge,
    /// The decoder failed, with its message.
    Damaged(String),
    /// Pictures cannot have this many channels, rows and columns of pixels.
    Target([usize; 3]),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Empty => write!(f, "the file is empty"),
            Error::CutOff => write!(f, "the image is cut off"),
            Error::Unknown => write!(f, "it is neither PNG, JPEG, GIF, WebP, BMP nor PNM"),
            Error::TooLarge => write!(
                f,
                "the image is too large: a side may have 65535 pixels, and all pixels may take 512 MiB"
            ),
            Error::Damaged(reason) => write!(f, "the image is damaged: {reason}"),
            Error::Target([channels, height, width]) => write!(
                f,
                "a picture cannot become {channels}x{height}x{width}: it takes 1 or 3 channels, and 1 to 65535 rows and columns"
            ),
        }
    }
}

impl std::error::Error for Error {}

impl From<ImageError> for Error {
    fn from(error: ImageError) -> Error {
        match error {
            ImageError::Limits(_) => Error::TooLarge,
            error => Error::Damaged(error.to_string().trim().replace('\n', " ")),
        }
    }
}
