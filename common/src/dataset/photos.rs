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
use std::time::{Instant, UNIX_EPOCH};

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
        let modified_ns = photo.path.to_str().and_then(|_| modified_ns(&facts));
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

/// Returns the time of a file's last change in nanoseconds since 1970.
fn modified_ns(facts: &Metadata) -> Option<i64> {
    let time = facts.modified().ok()?;
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).ok(),
        Err(before) => i64::try_from(before.duration().as_nanos()).ok().map(|ns| -ns),
    }
}

#[cfg(test)]
mod tests {
    use crate::dataset::test_support::{description, file, write_image};
    use crate::dataset::{Dataset, Format, Images, ScaledIndex, Split};
    use crate::files::json;
    use sha2::{Digest, Sha256};
    use std::fs::{self, File};
    use std::path::{Path, PathBuf};
    use std::time::{Duration, SystemTime};

    /// A data set with six photos for its test set, in folders of two classes.
    fn fixture() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (i, name) in ["cat/1", "cat/2", "cat/3", "dog/1", "dog/2", "dog/3"].iter().enumerate() {
            let value = 10 + 10 * i as u8;
            write_image(&dir.path().join(format!("photos/{name}.png")), 9, [value, 0, 0]);
        }
        describe(dir.path(), ["cat", "dog"], 4);
        dir
    }

    fn describe(dir: &Path, classes: [&str; 2], side: usize) {
        let dataset = description(Format::ImageFolder, side, classes, vec![file("photos")]);
        json::write(&dir.join("dataset.json"), &dataset).unwrap();
    }

    fn load(dir: &tempfile::TempDir) -> Images {
        Dataset::load(dir.path(), Split::Test).unwrap()
    }

    fn reds(dir: &tempfile::TempDir) -> Vec<u8> {
        let images = load(dir);
        (0..images.len()).map(|i| images.image(i)[0]).collect()
    }

    /// Returns the files with pixels.
    fn pixel_files(dir: &tempfile::TempDir) -> Vec<PathBuf> {
        let entries = fs::read_dir(dir.path().join(".scaled")).unwrap();
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_none());
        paths
    }

    /// Loads the data set, then makes all cached images grey: images that are grey later were not
    /// decoded again.
    fn load_and_mark(dir: &tempfile::TempDir) -> Images {
        let images = load(dir);
        let pixels = vec![99; images.pixels.len()];
        let marked = [&pixels[..], &Sha256::digest(&pixels)].concat();
        let paths = pixel_files(dir);
        assert_eq!(paths.len(), 1, "older versions are removed");
        fs::write(&paths[0], marked).unwrap();
        images
    }

    /// Writes a file, or leaves it as it is, and sets the time of its last change.
    fn change(dir: &tempfile::TempDir, photo: &str, bytes: Option<&[u8]>, time: SystemTime) {
        let path = dir.path().join("photos").join(photo);
        bytes.iter().for_each(|bytes| fs::write(&path, bytes).unwrap());
        File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    }

    fn facts(dir: &tempfile::TempDir, photo: &str) -> (Vec<u8>, SystemTime) {
        let path = dir.path().join("photos").join(photo);
        (fs::read(&path).unwrap(), fs::metadata(&path).unwrap().modified().unwrap())
    }

    #[test]
    fn photos_of_the_same_size_and_time_are_not_read() {
        let dir = fixture();
        load_and_mark(&dir);
        let (bytes, time) = facts(&dir, "cat/2.png");
        change(&dir, "cat/2.png", Some(&vec![0; bytes.len()]), time);
        assert_eq!(reds(&dir), [99; 6]);
        change(&dir, "cat/2.png", Some(&bytes[1..]), time);
        assert!(Dataset::load(dir.path(), Split::Test).is_err(), "another size");
    }

    #[test]
    fn at_another_time_the_hash_decides() {
        let dir = fixture();
        load_and_mark(&dir);
        let index =
            || -> ScaledIndex { json::read(&dir.path().join(".scaled/photos.json")).unwrap() };
        let before = index();
        let (first, time) = facts(&dir, "cat/1.png");
        let later = time + Duration::from_nanos(1);
        change(&dir, "cat/1.png", None, later);
        change(&dir, "cat/2.png", Some(&first), later);
        assert_eq!(reds(&dir), [99; 6], "the pixels of one photo may serve for two");
        assert_ne!(index(), before);
        change(&dir, "cat/1.png", Some(&vec![0; first.len()]), later);
        assert_eq!(reds(&dir), [99; 6], "the new time is in the index");
    }

    #[test]
    fn only_changed_photos_are_decoded() {
        let dir = fixture();
        let photo = |name: &str| dir.path().join("photos").join(name);
        load_and_mark(&dir);
        fs::rename(photo("dog/3.png"), photo("dog/4.png")).unwrap();
        fs::remove_file(photo("cat/1.png")).unwrap();
        write_image(&photo("cat/2.png"), 9, [200, 0, 0]);
        write_image(&photo("dog/0.png"), 9, [210, 0, 0]);
        assert_eq!(reds(&dir), [200, 99, 210, 99, 99, 99]);
        assert_eq!(reds(&dir), [200, 99, 210, 99, 99, 99]);
        assert_eq!(pixel_files(&dir).len(), 1);
        describe(dir.path(), ["cat", "dog"], 5);
        assert_eq!(reds(&dir), [200, 30, 210, 40, 50, 60], "the size of the pixels is another one");
    }

    #[test]
    fn classes_that_exchange_their_photos_are_noticed() {
        let dir = fixture();
        load_and_mark(&dir);
        fs::remove_file(dir.path().join("photos/dog/3.png")).unwrap();
        for (from, to) in [("cat", "x"), ("dog", "cat"), ("x", "dog")] {
            let photos = dir.path().join("photos");
            fs::rename(photos.join(from), photos.join(to)).unwrap();
        }
        let mut expected = fixture_without_cache(&dir);
        assert_eq!(expected.labels, [0, 0, 1, 1, 1]);
        expected.pixels.fill(99);
        assert_eq!(load(&dir).labels, expected.labels);
        assert_eq!(load(&dir).pixels, expected.pixels);
    }

    fn fixture_without_cache(dir: &tempfile::TempDir) -> Images {
        let other = tempfile::tempdir().unwrap();
        fs::copy(dir.path().join("dataset.json"), other.path().join("dataset.json")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("photos"), other.path().join("photos")).unwrap();
        load(&other)
    }

    #[test]
    fn without_the_folder_no_photo_is_needed() {
        let dir = fixture();
        let before = load(&dir);
        fs::rename(dir.path().join("photos"), dir.path().join("elsewhere")).unwrap();
        assert_eq!(load(&dir), before);
        describe(dir.path(), ["dog", "cat"], 4);
        let away = load(&dir);
        fs::rename(dir.path().join("elsewhere"), dir.path().join("photos")).unwrap();
        assert_eq!(load(&dir), away, "the order is that of the classes");
        fs::rename(dir.path().join("photos"), dir.path().join("elsewhere")).unwrap();
        describe(dir.path(), ["dog", "bird"], 4);
        let said = format!("{:#}", Dataset::load(dir.path(), Split::Test).unwrap_err());
        assert!(said.contains("photos/cat: the folder is not one of the classes"), "{said}");
        describe(dir.path(), ["dog", "cat"], 5);
        assert!(
            Dataset::load(dir.path(), Split::Test).is_err(),
            "of another size nothing is cached"
        );
    }

    /// The good photos are not decoded again once the bad one has been replaced, but without the
    /// folder they are not the whole set.
    #[test]
    fn a_damaged_photo_does_not_cost_the_others() {
        let dir = fixture();
        let (bad, elsewhere) = (dir.path().join("photos/dog/2.png"), dir.path().join("elsewhere"));
        fs::write(&bad, "no image").unwrap();
        let said = format!("{:#}", Dataset::load(dir.path(), Split::Test).unwrap_err());
        assert!(said.contains("dog/2.png: not a usable image"), "{said}");
        fs::rename(dir.path().join("photos"), &elsewhere).unwrap();
        assert!(Dataset::load(dir.path(), Split::Test).is_err());
        fs::rename(&elsewhere, dir.path().join("photos")).unwrap();
        let pixels = vec![99; 5 * 48];
        fs::write(&pixel_files(&dir)[0], [&pixels[..], &Sha256::digest(&pixels)].concat()).unwrap();
        write_image(&bad, 9, [200, 0, 0]);
        assert_eq!(reds(&dir), [99, 99, 99, 99, 200, 99]);
    }

    #[test]
    fn damaged_or_unwritable_caches_change_nothing() {
        let dir = fixture();
        let expected = load(&dir);
        let scaled = dir.path().join(".scaled");
        let damages: [&dyn Fn(&Path); 4] = [
            &|pixels| fs::write(pixels, "short").unwrap(),
            &|pixels| fs::remove_file(pixels).unwrap(),
            &|pixels| {
                let mut bytes = fs::read(pixels).unwrap();
                bytes[7] ^= 1;
                fs::write(pixels, bytes).unwrap();
            },
            &|_| fs::write(scaled.join("photos.json"), "{").unwrap(),
        ];
        for damage in damages {
            damage(&pixel_files(&dir)[0]);
            assert_eq!(load(&dir), expected);
        }
        fs::remove_dir_all(&scaled).unwrap();
        fs::write(&scaled, "a file where the folder should be").unwrap();
        assert_eq!(load(&dir), expected);
    }
}
