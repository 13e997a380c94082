//! The image files of a set: scaled pixels that are cached are taken from there, and the other
//! files are decoded on all cores.

use super::decode::decode;
use super::description::{DataFile, Dataset};
use super::files::MAX_IMAGE_BYTES;
use super::images::Raw;
use super::scaled_cache::{ScaledCache, ScaledFile, ScaledIndex};
use crate::diagnostics;
use crate::files::hash::sha256_hex;
use crate::files::reading;
use anyhow::{Context, Result, bail, ensure};
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// An image file of a set.
pub(super) struct Photo {
    /// Path relative to the folder of the set.
    pub(super) path: PathBuf,
    /// Class of the image.
    pub(super) label: u16,
}

/// The folder of a set's image files, and their scaled pixels as far as they are cached.
pub(super) struct PhotoFolder<'a> {
    dataset: &'a Dataset,
    /// Path of the folder as in the data set's description.
    name: &'a str,
    folder: PathBuf,
    cache: ScaledCache,
    /// Whether the folder is not there, but the images of the whole set are cached.
    is_away: bool,
}

/// The scaled pixels of an image file.
struct Scaled {
    file: ScaledFile,
    pixels: Pixels,
}

enum Pixels {
    /// In the cache, at this place.
    Cached(usize),
    /// Just decoded.
    Decoded(Vec<u8>),
}

impl<'a> PhotoFolder<'a> {
    /// Returns the folder of a set whose pixels are cached under the name `set`.
    pub(super) fn new(
        dataset: &'a Dataset,
        root: &Path,
        folder: &'a DataFile,
        set: &str,
    ) -> PhotoFolder<'a> {
        let (name, folder) = (folder.path.as_str(), root.join(&folder.path));
        let cache = ScaledCache::open(dataset, root, set);
        let is_away = cache.index().is_complete() && !folder.exists();
        PhotoFolder { dataset, name, folder, cache, is_away }
    }

    pub(super) fn path(&self) -> &Path {
        &self.folder
    }

    /// Returns the paths of the cached images if the folder is not there, but the images of the
    /// whole set are cached.
    pub(super) fn cached_instead(&self) -> Option<Vec<PathBuf>> {
        let files = &self.cache.index().files;
        self.is_away.then(|| files.iter().map(|file| PathBuf::from(&file.path)).collect())
    }

    /// Returns the scaled pixels of the usable photos, in their order, and adds a line for each
    /// other one to the problems of the set. Says how many were decoded, and keeps the pixels for
    /// the next time.
    pub(super) fn read(self, photos: &[Photo], mut problems: Vec<String>) -> (Raw, Vec<String>) {
        let start = Instant::now();
        let (mut index, mut places) = (ScaledIndex::default(), Vec::new());
        let (mut labels, mut unusable) = (Vec::new(), Vec::new());
        for (photo, scaled) in photos.iter().zip(self.scale_all(photos)) {
            match scaled {
                Ok(Scaled { file, pixels }) => {
                    index.files.push(file);
                    places.push(pixels);
                    labels.push(photo.label);
                }
                Err(error) => unusable.push(format!("{error:#}")),
            }
        }
        problems.extend(unusable);
        index.complete = problems.is_empty();
        let seconds = start.elapsed().as_secs_f64();
        let shape = self.dataset.input().shape();
        if self.is_away && index.complete {
            self.say_away(labels.len());
        }
        let pixels = self.keep(&index, places, seconds);
        (Raw { shape, pixels, labels }, problems)
    }

    /// Returns the pixels of all images, and replaces the cache if it is not up to date.
    fn keep(self, index: &ScaledIndex, places: Vec<Pixels>, seconds: f64) -> Vec<u8> {
        let decoded = places.iter().filter(|pixels| matches!(pixels, Pixels::Decoded(_))).count();
        let is_cached = places.len() == self.cache.index().files.len()
            && places.iter().enumerate().all(|(i, p)| matches!(p, Pixels::Cached(at) if *at == i));
        let mut pixels = Vec::new();
        if !is_cached {
            pixels.reserve_exact(places.len() * self.dataset.input().shape().elements());
            for image in places {
                match image {
                    Pixels::Cached(place) => pixels.extend_from_slice(self.cache.image(place)),
                    Pixels::Decoded(image) => pixels.extend(image),
                }
            }
        }
        let is_current = is_cached && index == self.cache.index();
        let written = if is_current || self.is_away || index.files.is_empty() {
            Ok(())
        } else {
            self.cache.write(index, &pixels)
        };
        if decoded > 0 && index.complete {
            self.say_decoded(decoded, seconds, written);
        }
        if is_cached { self.cache.into_pixels() } else { pixels }
    }

    /// Returns the scaled pixels of all photos, on all cores.
    fn scale_all(&self, photos: &[Photo]) -> Vec<Result<Scaled>> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let scale_some =
            |photos: &[Photo]| -> Vec<_> { photos.iter().map(|photo| self.scale(photo)).collect() };
        std::thread::scope(|scope| {
            let shares = photos.chunks(photos.len().div_ceil(threads).max(1));
            let workers: Vec<_> =
                shares.map(|share| scope.spawn(move || scale_some(share))).collect();
            workers
                .into_iter()
                .flat_map(|worker| {
                    worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
                .collect()
        })
    }

    fn scale(&self, photo: &Photo) -> Result<Scaled> {
        let path = self.folder.join(&photo.path);
        let name = photo.path.to_string_lossy();
        let cached = self.cache.with_path(&name);
        if self.is_away {
            let (place, file) = cached.with_context(|| missing(&path))?;
            return Ok(Scaled { file: file.clone(), pixels: Pixels::Cached(place) });
        }
        let facts = facts(&path)?;
        // Different names that are not UTF-8 may have the same text.
        let modified_ns = photo.path.to_str().and_then(|_| reading::modified_ns(&facts));
        if let Some((place, file)) = cached
            && modified_ns.is_some()
            && (file.bytes, file.modified_ns) == (facts.len(), modified_ns)
        {
            return Ok(Scaled { file: file.clone(), pixels: Pixels::Cached(place) });
        }
        let bytes = reading::read(&path, MAX_IMAGE_BYTES)?;
        let sha256 = sha256_hex(&bytes);
        let pixels = match self.cache.with_sha256(&sha256) {
            Some(place) => Pixels::Cached(place),
            None => Pixels::Decoded(
                decode(&bytes, self.dataset)
                    .with_context(|| format!("{}: not a usable image", path.display()))?,
            ),
        };
        let file = ScaledFile { path: name.into_owned(), bytes: facts.len(), modified_ns, sha256 };
        Ok(Scaled { file, pixels })
    }

    fn say_away(&self, images: usize) {
        diagnostics::warn(&format!(
            "data set {}: the folder {} is not there; the cached pixels of its {images} images are used",
            self.dataset.name, self.name
        ));
    }

    fn say_decoded(&self, decoded: usize, seconds: f64, written: Result<()>) {
        let again = match written {
            Ok(()) => String::new(),
            Err(error) => format!("; their pixels cannot be kept for the next time ({error:#})"),
        };
        diagnostics::say(&format!(
            "data set {}: decoded {decoded} images of {} in {seconds:.1} s{again}",
            self.dataset.name, self.name
        ));
    }
}

/// Returns the facts of a plain file.
fn facts(path: &Path) -> Result<Metadata> {
    let facts = match fs::metadata(path) {
        Ok(facts) => facts,
        Err(error) if error.kind() == ErrorKind::NotFound => bail!("{}", missing(path)),
        Err(error) => {
            return Err(error).with_context(|| format!("{}: cannot read the file", path.display()));
        }
    };
    ensure!(facts.is_file(), "{}: not a plain file", path.display());
    Ok(facts)
}

fn missing(path: &Path) -> String {
    format!("{}: there is no such file", path.display())
}

#[cfg(test)]
mod tests;
