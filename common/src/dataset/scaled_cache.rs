//! A cache of scaled images beside the data set. Decoding an image takes a hundred times as long as
//! reading its pixels, and every training of a search would repeat it.
//!
//! The file `.scaled/SET-KEY` holds the pixels of all images of a set, then their SHA-256. The key
//! is a hash of everything that determines the pixels, such as the bytes of the image files. If the
//! folder cannot be written, nothing is cached.

use super::description::Dataset;
use super::files::MAX_IMAGE_BYTES;
use crate::files::hash::sha256_hex_of_parts;
use crate::files::{atomic, reading};
use anyhow::Result;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

const FOLDER: &str = ".scaled";
/// Part of the key. Increase it whenever [`super::decode`] produces other pixels.
const VERSION: u8 = 1;
const HASH_BYTES: usize = 32;

/// The cache of one set.
pub(super) struct ScaledCache {
    folder: PathBuf,
    set: String,
    key: String,
    bytes: usize,
}

impl ScaledCache {
    /// Returns the cache for the image files at `paths`, in that order, of the set in the folder
    /// `set` of the data set at `root`.
    ///
    /// # Errors
    /// Fails if an image file cannot be read.
    pub(super) fn new(
        dataset: &Dataset,
        root: &Path,
        set: &str,
        paths: &[PathBuf],
    ) -> Result<ScaledCache> {
        let shape = dataset.input().shape();
        let mut parts = vec![
            format!("{VERSION} {} {} {}", shape.channels, shape.height, shape.width).into_bytes(),
        ];
        for path in paths {
            let bytes = reading::read(path, MAX_IMAGE_BYTES)?;
            parts.push(Sha256::digest(&bytes).to_vec());
        }
        let key = sha256_hex_of_parts(parts.iter().map(Vec::as_slice));
        let set = set.replace(['/', '\\'], "_");
        Ok(ScaledCache {
            folder: root.join(FOLDER),
            set,
            key,
            bytes: paths.len() * shape.elements(),
        })
    }

    fn path(&self) -> PathBuf {
        self.folder.join(format!("{}-{}", self.set, self.key))
    }

    /// Returns the pixels; `None` if they are not cached or damaged.
    pub(super) fn read(&self) -> Option<Vec<u8>> {
        let mut pixels = fs::read(self.path()).ok()?;
        let hash = pixels.split_off(pixels.len().checked_sub(HASH_BYTES)?);
        (pixels.len() == self.bytes && Sha256::digest(&pixels)[..] == hash[..]).then_some(pixels)
    }

    /// Writes the pixels, and removes older versions of the set.
    pub(super) fn write(&self, pixels: &[u8]) {
        let written = atomic::write_with(&self.path(), |file| {
            use std::io::Write;
            file.write_all(pixels)?;
            Ok(file.write_all(&Sha256::digest(pixels))?)
        });
        if written.is_ok() {
            self.remove_older();
        }
    }

    fn remove_older(&self) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_older =
                name.rsplit_once('-').is_some_and(|(set, key)| set == self.set && key != self.key);
            if is_older {
                // A file that cannot be removed only takes space.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}
