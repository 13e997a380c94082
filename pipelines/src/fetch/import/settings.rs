//! What the user asks of an import.

use super::decode::Scale;
use anyhow::{Result, ensure};
use common::dataset::ImportedFiles;
use pictures::Resize;

/// Rows and columns of images of pictures.
pub(crate) const SIZE: usize = 32;

/// What the user asks of an import; `None` stands for what an earlier import did, or the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Rows and columns of the images.
    pub(crate) size: Option<(usize, usize)>,
    /// Rule for pictures of another shape.
    pub(crate) resize: Option<Resize>,
    /// Seed that chooses test images.
    pub(crate) seed: Option<u64>,
}

impl Settings {
    /// Returns the seed that chooses test images.
    pub(crate) fn seed(&self) -> u64 {
        self.seed.unwrap_or(0)
    }

    /// Returns the size of images of pictures.
    pub(crate) fn scale_of_pictures(&self) -> Scale {
        let (height, width) = self.size.unwrap_or((SIZE, SIZE));
        Scale { height, width, resize: self.resize.unwrap_or_default() }
    }

    /// Returns the size of images of arrays, if they are to be scaled.
    pub(crate) fn scale_of_arrays(&self) -> Option<Scale> {
        self.size.map(|_| self.scale_of_pictures())
    }

    /// Returns the settings of an earlier import.
    ///
    /// # Errors
    /// Fails if other ones are asked for.
    pub(crate) fn of_copy(&self, copy: &ImportedFiles, scaled: bool) -> Result<Settings> {
        let (height, width) = (copy.dataset.height, copy.dataset.width);
        let differs = |what: &str, is: &str, asked: &str| {
            format!(
                "the copy of this name has {what} {is}, not {asked}: choose another name with NAME= (or --out)"
            )
        };
        let size = self.size.unwrap_or((height, width));
        ensure!(
            size == (height, width),
            differs("the size", &format!("{height}x{width}"), &format!("{}x{}", size.0, size.1))
        );
        let resize = self.resize.unwrap_or(copy.dataset.resize);
        ensure!(
            resize == copy.dataset.resize || !scaled && self.size.is_none(),
            differs("the resize rule", copy.dataset.resize.name(), resize.name())
        );
        let seed = self.seed.unwrap_or(copy.seed);
        ensure!(seed == copy.seed, differs("the seed", &copy.seed.to_string(), &seed.to_string()));
        let size = scaled.then_some(size);
        Ok(Settings { size, resize: Some(copy.dataset.resize), seed: Some(seed) })
    }
}
