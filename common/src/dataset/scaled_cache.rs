//! A cache of scaled images beside the data set. Decoding an image takes a hundred times as long as
//! reading its pixels, and every training of a search would repeat it.
//!
//! The file `.scaled/SET-KEY` holds the pixels of all images of a set, then their SHA-256. The key
//! is a hash of everything that determines the pixels, such as the hashes of the image files.
//! `.scaled/SET.json` is the index: path, size, time and hash of each image file. An image file
//! whose size and time are those of the index is not read; if only the time differs, its hash
//! decides. So a file that is replaced by another one of the same size and the same time is taken
//! for the earlier one. If the folder cannot be written, nothing is cached.

use super::checks::{check_printable, check_sha256};
use super::description::Dataset;
use super::imported_files::TIMES;
use crate::files::atomic;
use crate::files::hash::sha256_hex_of_parts;
use crate::files::json::{self, Document};
use crate::files::ranges::{BYTES, all_within, within};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

const FOLDER: &str = ".scaled";
/// Part of the key. Increase it whenever [`super::decode`] produces other pixels.
const VERSION: u8 = 2;
const HASH_BYTES: usize = 32;

/// The index of the scaled images of a set: the image files that they were made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaledIndex {
    /// Whether the set was free of problems, such as image files that cannot be used.
    pub complete: bool,
    /// Image files, in the order of their pixels.
    pub files: Vec<ScaledFile>,
}

/// An image file as it was when it was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaledFile {
    /// Path relative to the folder of the set.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Time of the last change, in nanoseconds since 1970; `null` if it is not known.
    pub modified_ns: Option<i64>,
    /// SHA-256 of the bytes.
    pub sha256: String,
}

impl ScaledIndex {
    /// Returns whether it has all images of a set.
    pub(super) fn is_complete(&self) -> bool {
        self.complete && !self.files.is_empty()
    }
}

impl Document for ScaledIndex {
    const KIND: &'static str = "scaled";

    fn check(&self) -> Result<()> {
        self.files.iter().try_for_each(|file| {
            check_printable("path", &file.path)?;
            within("bytes", file.bytes, &BYTES)?;
            all_within("modified_ns", file.modified_ns, &TIMES)?;
            check_sha256(&file.sha256)
        })
    }
}

/// The cache of one set.
pub(super) struct ScaledCache {
    folder: PathBuf,
    set: String,
    /// Everything besides the image files that determines the pixels.
    rule: String,
    image_bytes: usize,
    index: ScaledIndex,
    pixels: Vec<u8>,
    by_path: HashMap<String, usize>,
    by_sha256: HashMap<String, usize>,
}

impl ScaledCache {
    /// Returns the cache of the set named `set` of the data set at `root`. It is empty if nothing
    /// is cached for the data set's size, or if what is there is damaged.
    pub(super) fn open(dataset: &Dataset, root: &Path, set: &str) -> ScaledCache {
        let mut input = dataset.input();
        // The pixels do not depend on the normalisation.
        (input.mean, input.std) = (Vec::new(), Vec::new());
        let input = serde_json::to_string(&input).expect("numbers and texts always make JSON");
        let mut cache = ScaledCache {
            folder: root.join(FOLDER),
            set: set.replace(['/', '\\'], "_"),
            rule: format!("{VERSION} {input}"),
            image_bytes: dataset.input().shape().elements(),
            index: ScaledIndex::default(),
            pixels: Vec::new(),
            by_path: HashMap::new(),
            by_sha256: HashMap::new(),
        };
        if let Some((index, pixels)) = cache.stored() {
            let files = || index.files.iter().enumerate();
            cache.by_path = files().map(|(i, file)| (file.path.clone(), i)).collect();
            cache.by_sha256 = files().map(|(i, file)| (file.sha256.clone(), i)).collect();
            (cache.index, cache.pixels) = (index, pixels);
        }
        cache
    }

    /// Returns the index and the pixels; `None` if they are missing or damaged.
    fn stored(&self) -> Option<(ScaledIndex, Vec<u8>)> {
        let index: ScaledIndex = json::read(&self.index_path()).ok()?;
        let mut pixels = fs::read(self.pixels_path(&index)).ok()?;
        let hash = pixels.split_off(pixels.len().checked_sub(HASH_BYTES)?);
        let whole = Some(pixels.len()) == index.files.len().checked_mul(self.image_bytes)
            && Sha256::digest(&pixels)[..] == hash[..];
        whole.then_some((index, pixels))
    }

    fn index_path(&self) -> PathBuf {
        self.folder.join(format!("{}.json", self.set))
    }

    fn pixels_path(&self, index: &ScaledIndex) -> PathBuf {
        self.folder.join(format!("{}-{}", self.set, self.key(index)))
    }

    fn key(&self, index: &ScaledIndex) -> String {
        let hashes = index.files.iter().map(|file| file.sha256.as_bytes());
        sha256_hex_of_parts([self.rule.as_bytes()].into_iter().chain(hashes))
    }

    /// Returns the index, which is empty if nothing is cached.
    pub(super) fn index(&self) -> &ScaledIndex {
        &self.index
    }

    /// Returns the image file with a path, and its place in the index.
    pub(super) fn with_path(&self, path: &str) -> Option<(usize, &ScaledFile)> {
        self.by_path.get(path).map(|&place| (place, &self.index.files[place]))
    }

    /// Returns the place in the index of an image file with this hash.
    pub(super) fn with_sha256(&self, sha256: &str) -> Option<usize> {
        self.by_sha256.get(sha256).copied()
    }

    /// Returns the pixels of the image at a place in the index.
    pub(super) fn image(&self, place: usize) -> &[u8] {
        &self.pixels[place * self.image_bytes..][..self.image_bytes]
    }

    /// Returns the pixels of all images.
    pub(super) fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }

    /// Replaces the index and the pixels, and removes older versions of the set.
    ///
    /// # Errors
    /// Fails if the files cannot be written.
    pub(super) fn write(&self, index: &ScaledIndex, pixels: &[u8]) -> Result<()> {
        let path = self.pixels_path(index);
        if self.index.files.is_empty() || path != self.pixels_path(&self.index) {
            atomic::write_with(&path, |file| {
                use std::io::Write;
                file.write_all(pixels)?;
                Ok(file.write_all(&Sha256::digest(pixels))?)
            })?;
        }
        json::write(&self.index_path(), index).context("cannot write the index")?;
        self.remove_older(&self.key(index));
        Ok(())
    }

    fn remove_older(&self, newest: &str) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_older = name.rsplit_once('-').is_some_and(|(set, key)| {
                set == self.set && key != newest && check_sha256(key).is_ok()
            });
            if is_older {
                // A file that cannot be removed only takes space.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}
