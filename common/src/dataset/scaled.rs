//! Scaled pixels of photos, kept beside the data set: decoding a photo takes a hundred times as
//! long as reading it, and every training of a search would do it again.
//!
//! `.scaled/SET-KEY` holds the pixels of all images of a set, then their SHA-256. The key is a hash
//! over all that decides them, the photos' bytes above all; another version of a file has another
//! one. Where the folder cannot be written to, nothing is kept.

use super::description::Dataset;
use super::files::MAX_IMAGE_BYTES;
use crate::files::atomic;
use crate::files::hash::sha256_hex_of_parts;
use crate::files::reading;
use anyhow::Result;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

const FOLDER: &str = ".scaled";
/// To be changed with what [`super::decode`] makes of the same bytes.
const VERSION: u8 = 1;
const HASH_BYTES: usize = 32;

/// Where the pixels of one set are kept.
pub(super) struct Scaled {
    folder: PathBuf,
    set: String,
    key: String,
    bytes: usize,
}

impl Scaled {
    /// For the photos at `paths`, in that order, of the set in the folder `set` of the data set at
    /// `root`.
    ///
    /// # Errors
    /// A photo that cannot be read.
    pub(super) fn new(
        dataset: &Dataset,
        root: &Path,
        set: &str,
        paths: &[PathBuf],
    ) -> Result<Scaled> {
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
        Ok(Scaled { folder: root.join(FOLDER), set, key, bytes: paths.len() * shape.elements() })
    }

    fn path(&self) -> PathBuf {
        self.folder.join(format!("{}-{}", self.set, self.key))
    }

    /// The pixels, if they were kept whole.
    pub(super) fn read(&self) -> Option<Vec<u8>> {
        let mut pixels = fs::read(self.path()).ok()?;
        let hash = pixels.split_off(pixels.len().checked_sub(HASH_BYTES)?);
        (pixels.len() == self.bytes && Sha256::digest(&pixels)[..] == hash[..]).then_some(pixels)
    }

    /// Keeps the pixels in the place of what was kept of the set before.
    pub(super) fn write(&self, pixels: &[u8]) {
        let written = atomic::write_with(&self.path(), |file| {
            use std::io::Write;
            file.write_all(pixels)?;
            Ok(file.write_all(&Sha256::digest(pixels))?)
        });
        if written.is_ok() {
            self.remove_others();
        }
    }

    fn remove_others(&self) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let of_this_set =
                name.rsplit_once('-').is_some_and(|(set, key)| set == self.set && key != self.key);
            if of_this_set {
                // One that stays only takes room.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}
