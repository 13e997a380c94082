//! The pixels that a network reads: their number, and how pictures of another shape become them.

use super::error::Error;
use std::fmt;
use std::str::FromStr;

/// The filter of scaling, whose support grows with the factor of reduction: a triangle, also called
/// bilinear with antialiasing.
pub const FILTER: &str = "triangle";
/// Maximum number of rows or columns, as in JPEG.
pub(super) const MAX_SIDE: u32 = 65_535;

/// How a picture becomes one of another shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Resize {
    /// Rows and columns are scaled by different factors.
    #[default]
    Stretch,
    /// The whole picture is scaled to fit, in the centre of a black image.
    Letterbox,
    /// The largest central part that has the target's shape is scaled.
    Crop,
}

impl Resize {
    /// All rules.
    pub const ALL: [Resize; 3] = [Resize::Stretch, Resize::Letterbox, Resize::Crop];

    /// Returns the name of the rule in files and options.
    pub const fn name(self) -> &'static str {
        match self {
            Resize::Stretch => "stretch",
            Resize::Letterbox => "letterbox",
            Resize::Crop => "crop",
        }
    }
}

impl fmt::Display for Resize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Resize {
    type Err = String;

    fn from_str(name: &str) -> Result<Resize, String> {
        Resize::ALL.into_iter().find(|resize| resize.name() == name).ok_or_else(|| {
            format!("there is no resize rule {name:?}; there are stretch, letterbox and crop")
        })
    }
}

/// The shape of the images that a network takes, and the rule for pictures of another shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Channels: 1 for grey, 3 for colour.
    pub channels: usize,
    /// Rows of pixels, at most 65,535.
    pub height: usize,
    /// Columns of pixels, at most 65,535.
    pub width: usize,
    /// Rule for pictures of another shape.
    pub resize: Resize,
}

impl Target {
    /// Checks that pictures can have this shape.
    ///
    /// # Errors
    /// Fails if there are neither 1 nor 3 channels, or no rows or columns or over 65,535.
    pub fn check(&self) -> Result<(), Error> {
        self.size().map(|_| ())
    }

    /// Returns the columns and rows.
    pub(super) fn size(&self) -> Result<(u32, u32), Error> {
        let side =
            |side: usize| u32::try_from(side).ok().filter(|side| (1..=MAX_SIDE).contains(side));
        match (self.channels, side(self.width), side(self.height)) {
            (1 | 3, Some(width), Some(height)) => Ok((width, height)),
            _ => Err(Error::Target([self.channels, self.height, self.width])),
        }
    }
}
